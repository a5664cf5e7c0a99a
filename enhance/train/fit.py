#!/usr/bin/python3
"""Learns the networks of Fuse from tiles, and writes them to enhance/learned.

    fit.py DIR FILE [EPOCHS]

DIR holds the tiles that TestTilesOfStreams of package enhance wrote. FILE is enhance/learned. Its networks are today's, which the fit begins
with. What is made of a tile here is, to the bit of rounding, what blend.go and networks.go there make of it, and its gradient is written out
below, step by step, in reverse: see Networks.backward, and check_gradient, which is run first.

The loss is the mean square error of merged tiles, in parts of what today's networks leave in the picture: small changes of that are small
changes of the mean gain in decibels. What a tile is worse for being merged counts HARM times more: nobody forgives a ghost for a little
less noise elsewhere. What it is worse than with today's networks counts KEEP times more.

Some scenes are held out: not learned from, but measured with. The step from today's networks to those that were learned is halved until no
stream held out loses more than LOSS decibels by it. What is reached so becomes FILE, its version raised by one.
"""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np

MAGIC, FORMAT = b"lvstnets", 1  # learned.go

TILE, RINGS, PADDED, HIDDEN = 16, 12, 16, 32  # networks.go
FAINT = np.float32(1 / (1 << 10))
TOLERANCE = 2  # count in blend.go
MOST = 1.3  # restore in blend.go

HARM = np.float32(2.2)
KEEP = np.float32(1)  # as much again: chosen, not tried
LOSS = 0.03  # dB; chosen below the 0.05 that the ghost tests allow, since what is held out is not all there is
CHROMA = 0.5  # what a tile of chroma counts for beside one of luma
ALONE = 0.15  # of batches, in which tiles have to do without neighbours
BATCH = 256
RATE = 3e-4  # of learning, at first; chosen as a tenth of what random numbers had been learned from with
HELD_OUT = 5  # each so manyth scene is held out

u, v = np.mgrid[:TILE, :TILE]
RING = np.minimum(RINGS - 1, (0.75 * np.hypot(u, v)).astype(int)).reshape(-1)
IN_RING = (RING[:, None] == np.arange(RINGS)).astype(np.float32)
MEAN_OF_RING = IN_RING / IN_RING.sum(0)
WINDOW = np.sin((np.arange(TILE) + 0.5) * np.pi / TILE)
COSINES = np.cos(np.outer(np.arange(TILE), 2 * np.arange(TILE) + 1) * np.pi / (2 * TILE)) * np.sqrt(2 / TILE)
COSINES[0] /= np.sqrt(2)
SHADOW = COSINES @ WINDOW  # what the window leaves of ones, transformed
SHADOW = (np.outer(SHADOW, SHADOW).reshape(-1) / SHADOW[0] ** 2).astype(np.float32)  # in parts of the first coefficient
NOT_FIRST = np.ones(TILE * TILE, np.float32)
NOT_FIRST[0] = 0


def log2(x):
    """Go's log2, and its slope."""
    bits = (x + FAINT).view(np.int32)
    return bits.astype(np.float32) / (1 << 23) - 127, 1 / (bits & 0x7F800000).view(np.float32)


def exp2(x):
    """Go's exp2, and its slope."""
    inside = np.abs(x) < 20
    y = ((np.clip(x, -20, 20) + np.float32(127)) * (1 << 23)).astype(np.int32)
    return y.view(np.float32), (y & 0x7F800000).view(np.float32) * inside


def powers(x):
    """Averages the squares of coefficients with those of frequencies beside them."""
    return smooth(x * x)


def smooth(x):
    """Is its own transpose."""
    for shape in [(-1, TILE, TILE, 1), (-1, 1, TILE, TILE)]:
        y = x.reshape(shape)
        out = 2 * y
        out[:, :, 1:] += y[:, :, :-1]
        out[:, :, :-1] += y[:, :, 1:]
        out[:, :, 0] += y[:, :, 0]
        out[:, :, -1] += y[:, :, -1]
        x = out.reshape(x.shape)
    return x / 16


# The layers of both networks, in the order of the file: rows are inputs, the first of an output layer is its bias.
LAYERS = {
    "worth_bias": (1, HIDDEN), "worth_picture": (6, HIDDEN), "worth_tile": (2 * RINGS, HIDDEN), "worth_other": (RINGS + 2, HIDDEN),
    "worth_out": (1 + HIDDEN, HIDDEN),
    "truth_bias": (1, HIDDEN), "truth_picture": (2, HIDDEN), "truth_tile": (3 * RINGS, HIDDEN),
    "truth_out0": (1 + HIDDEN, HIDDEN), "truth_out1": (1 + HIDDEN, HIDDEN),
}


class Networks(dict):
    """Both networks: arrays by the names of LAYERS."""

    @classmethod
    def random(cls, rng):
        j = cls()
        for name, shape in LAYERS.items():
            j[name] = (rng.normal(size=shape) / 20).astype(np.float32)
            if "out" in name or "bias" in name:
                j[name][:] = 0
        j["truth_out0"][0] = 1.74  # nothing is taken off
        return j

    @classmethod
    def read(cls, file):
        data = Path(file).read_bytes()
        magic, fmt, version, checksum = struct.unpack_from("<8sHHI", data)
        if magic != MAGIC or fmt != FORMAT or checksum != zlib.crc32(data[16:]):
            sys.exit(f"{file} is no file of networks")
        values, j, at = np.frombuffer(data, "<f4", offset=16), cls(), 0
        for name, shape in LAYERS.items():
            j[name] = values[at:at + shape[0] * shape[1]].reshape(shape).copy()
            at += shape[0] * shape[1]
        return j, version

    def write(self, file, version):
        body = b"".join(self[name].astype("<f4").tobytes() for name in LAYERS)
        if not all(np.isfinite(self[name]).all() for name in LAYERS):
            sys.exit("there are values that are no numbers")
        Path(file).write_bytes(struct.pack("<8sHHI", MAGIC, FORMAT, version, zlib.crc32(body)) + body)

    def forward(self, b):
        """Merges the tiles of a batch, and keeps what backward needs."""
        s = self.state = {}
        tiles, n = len(b.target), b.trust.shape[1]
        per = (1 / b.variance)[:, None]
        s["scene"] = log2(b.target**2 @ MEAN_OF_RING * per)[0]
        # How much each neighbour counts.
        there = b.trust > 0
        both = b.variance[:, None] + b.variances
        energies = log2((b.difference**2 @ MEAN_OF_RING) / both[..., None])[0]
        mean = (energies * there[..., None]).sum(1) / np.maximum(1, there.sum(1))[:, None]
        weight = b.weights * b.trust
        facts = np.stack([log2(b.trust)[0], log2(weight / b.weight[:, None])[0]], -1)
        s["worth_tile"] = np.concatenate([s["scene"], mean], 1)
        s["worth_other"] = np.concatenate([energies, facts], 2)
        h = b.facts_of_neighbours @ self["worth_picture"] + s["worth_other"] @ self["worth_other"]
        h += (s["worth_tile"] @ self["worth_tile"] + self["worth_bias"])[:, None]
        s["worth_hidden"] = np.maximum(h, 0)
        out = s["worth_hidden"] @ self["worth_out"][1:] + self["worth_out"][0]
        s["part"], s["part_slope"] = exp2(out[..., :RINGS])
        tolerance, s["half_slope"] = exp2(2 * out[..., PADDED:PADDED + RINGS])
        s["square"] = (TOLERANCE * both[..., None]) ** 2
        s["half"] = s["square"] * tolerance
        s["weight"] = weight[..., None]
        part = s["weight"] * s["part"] * s["half"]
        energy = powers(b.difference)
        s["below"] = 1 / (s["half"][..., RING] + energy * energy)
        s["a"] = part[..., RING] * s["below"]
        total = (s["a"] * b.difference).sum(1)
        s["all"] = b.weight[:, None] + s["a"].sum(1)
        s["by"] = total / s["all"]
        m = s["m"] = b.target + s["by"]
        s["left"] = b.weight[:, None] / s["all"]
        # How much of the merged coefficients is kept.
        merged, s["merged_slope"] = log2(m**2 @ MEAN_OF_RING * per)
        left, s["left_slope"] = log2(s["left"] ** 2 @ MEAN_OF_RING)
        s["truth_tile"] = np.concatenate([merged, left, s["scene"]], 1)
        h = b.facts @ self["truth_picture"] + s["truth_tile"] @ self["truth_tile"] + self["truth_bias"]
        s["truth_hidden"] = np.maximum(h, 0)
        kept = s["truth_hidden"] @ self["truth_out0"][1:] + self["truth_out0"][0]
        low, s["low_slope"] = exp2(-kept[:, :RINGS])
        high, s["high_slope"] = exp2(-kept[:, PADDED:PADDED + RINGS])
        s["low"], s["high"] = MOST / (1 + low), MOST / (1 + high)
        half, s["kept_slope"] = exp2((s["truth_hidden"] @ self["truth_out1"][1:] + self["truth_out1"][0])[:, :RINGS])
        s["kept_half"] = half[:, RING]
        s["energy"] = powers(m) * per
        s["rise"] = s["energy"] / (s["energy"] + s["kept_half"])
        s["more"] = (s["high"] - s["low"])[:, RING]
        s["kept"] = s["low"][:, RING] + s["more"] * s["rise"]
        s["of_mean"] = m[:, :1] * SHADOW
        return np.where(NOT_FIRST, (m - s["of_mean"]) * s["kept"] + s["of_mean"], m)

    def backward(self, b, d):
        """Returns the gradient, given that of what forward returned."""
        s, g = self.state, {}
        m, per = s["m"], (1 / b.variance)[:, None]
        # How much of the merged coefficients is kept.
        d_kept = d * (m - s["of_mean"]) * NOT_FIRST
        dm = np.where(NOT_FIRST, d * s["kept"], d)
        dm[:, 0] += (d * (1 - s["kept"]) * SHADOW * NOT_FIRST).sum(1)
        d_high = (d_kept * s["rise"]) @ IN_RING
        d_low = d_kept @ IN_RING - d_high
        falls = d_kept * s["more"] / (s["energy"] + s["kept_half"])
        d_half = -(falls * s["rise"]) @ IN_RING
        dm += 2 * m * smooth(falls * (1 - s["rise"])) * per
        out0, out1 = np.zeros((2, len(m), HIDDEN), np.float32)
        out0[:, :RINGS] = d_low * s["low"] ** 2 / MOST * s["low_slope"]
        out0[:, PADDED:PADDED + RINGS] = d_high * s["high"] ** 2 / MOST * s["high_slope"]
        out1[:, :RINGS] = d_half * s["kept_slope"]
        g["truth_out0"] = self.out(s["truth_hidden"], out0)
        g["truth_out1"] = self.out(s["truth_hidden"], out1)
        dh = (out0 @ self["truth_out0"][1:].T + out1 @ self["truth_out1"][1:].T) * (s["truth_hidden"] > 0)
        g["truth_bias"], g["truth_picture"], g["truth_tile"] = dh.sum(0, keepdims=True), b.facts.T @ dh, s["truth_tile"].T @ dh
        if b.trust.shape[1] == 0:
            return g
        d_in = dh @ self["truth_tile"].T
        dm += 2 * m * ((d_in[:, :RINGS] * s["merged_slope"] * per) @ MEAN_OF_RING.T)
        d_left = 2 * s["left"] * ((d_in[:, RINGS:2 * RINGS] * s["left_slope"]) @ MEAN_OF_RING.T)
        # How much each neighbour counts.
        d_sum = dm / s["all"]
        d_all = -(d_sum * s["by"] + d_left * s["left"] / s["all"])
        da = (d_sum[:, None] * b.difference + d_all[:, None]) * s["below"]
        d_part = da @ IN_RING
        d_half = d_part * s["weight"] * s["part"] - (da * s["a"]) @ IN_RING
        out = np.zeros((*b.trust.shape, HIDDEN), np.float32)
        out[..., :RINGS] = d_part * s["weight"] * s["half"] * s["part_slope"]
        out[..., PADDED:PADDED + RINGS] = d_half * s["square"] * 2 * s["half_slope"]
        flat = lambda x: x.reshape(-1, x.shape[-1])
        g["worth_out"] = self.out(flat(s["worth_hidden"]), flat(out))
        dh = out @ self["worth_out"][1:].T * (s["worth_hidden"] > 0)
        g["worth_picture"] = flat(b.facts_of_neighbours).T @ flat(dh)
        g["worth_other"] = flat(s["worth_other"]).T @ flat(dh)
        dh = dh.sum(1)
        g["worth_bias"], g["worth_tile"] = dh.sum(0, keepdims=True), s["worth_tile"].T @ dh
        return g

    @staticmethod
    def out(hidden, d):
        return np.concatenate([d.sum(0, keepdims=True), hidden.T @ d])


class Tiles:
    """Tiles with the same number of neighbours: arrays whose first axis is that of tiles."""

    FIELDS = ["variance", "weight", "facts", "facts_of_neighbours", "variances", "weights", "before", "after", "after_alone", "target", "truth",
              "trust", "difference", "share", "stream", "picture", "luma"]

    def __init__(self, **arrays):
        self.__dict__.update(arrays)

    def __getitem__(self, which):
        return Tiles(**{f: getattr(self, f)[which] for f in self.FIELDS})

    def alone(self):
        """The same tiles without neighbours."""
        return Tiles(**{f: getattr(self, f) for f in self.FIELDS} |
                     {f: getattr(self, f)[:, :0] for f in ["facts_of_neighbours", "variances", "weights", "trust", "difference"]} |
                     {"after": self.after_alone})

    def batches(self):
        return (self[at:at + BATCH] for at in range(0, len(self.target), BATCH))


def read(files):
    """Reads tiles, by their number of neighbours."""
    parts, pictures = {}, 0
    for stream, file in enumerate(files):
        data, at = np.fromfile(file, "<f4"), 0
        while at < len(data):
            plane, n, count = (int(x) for x in data[at:at + 3])
            variance, weight, facts, at = data[at + 3], data[at + 4], data[at + 5:at + 7], at + 7
            others = data[at:at + 8 * n].reshape(n, 8)
            at += 8 * n
            size = TILE * TILE
            each = 2 + 2 * size + n * (1 + size)
            tiles = data[at:at + count * each].reshape(count, each)
            at += count * each
            rest = tiles[:, 2 + 2 * size:].reshape(count, n, 1 + size)
            all = lambda x: np.repeat(np.asarray(x)[None], count, 0)
            before = tiles[:, 0]
            parts.setdefault(n, []).append(dict(
                variance=all(variance), weight=all(weight), facts=all(facts), facts_of_neighbours=all(others[:, :6]), variances=all(others[:, 6]),
                weights=all(others[:, 7]), before=before, after=tiles[:, 1].copy(), after_alone=before.copy(),
                target=tiles[:, 2:2 + size], truth=tiles[:, 2 + size:2 + 2 * size],
                trust=rest[..., 0], difference=rest[..., 1:], stream=all(stream), picture=all(pictures), luma=all(plane == 0),
                share=all((1 if plane == 0 else CHROMA) / max(size, tiles[:, 1].mean())).astype(np.float32)))
            pictures += 1
    return [Tiles(**{f: np.concatenate([p[f] for p in group]) for f in Tiles.FIELDS}) for group in parts.values()]


def loss(tiles, out):
    """Returns the loss of each tile, its square error, and the gradient."""
    off = out - tiles.target - tiles.truth
    error = (off * off).sum(1)
    harm, lost = HARM * (error > tiles.before), KEEP * (error > tiles.after)
    each = tiles.share * (error + harm * (error - tiles.before) + lost * (error - tiles.after))
    return each, error, 2 * off * (tiles.share * (1 + harm + lost))[:, None] / len(error)


def errors(networks, tiles):
    return np.concatenate([loss(b, networks.forward(b))[1] for b in tiles.batches()])


def measure(networks, groups):
    """Returns by how many decibels pictures of luma gain, on average over those of each stream: with the networks, with today's, with the
    networks where there are no neighbours, and with today's there."""
    sums = {}
    for g in groups:
        of = np.stack([g.before, errors(networks, g), g.after, errors(networks, g.alone()), g.after_alone], 1).astype(np.float64)
        for p in np.unique(g.picture[g.luma]):
            here = g.picture == p
            stream, all = sums.get(p, (g.stream[here][0], 0))
            sums[p] = stream, all + of[here].sum(0)
    streams, all = np.array([s for s, _ in sums.values()]), np.array([a for _, a in sums.values()])
    gains = 10 * np.log10(all[:, :1] / all[:, 1:])
    return np.array([gains[streams == s].mean(0) for s in np.unique(streams)])


def compare(networks, held, names):
    """Prints what the streams held out gain, and returns what one loses at the most against today's networks, as a negative number."""
    gains = measure(networks, held)
    more, alone = gains[:, 0] - gains[:, 1], gains[:, 2] - gains[:, 3]
    worst, of = min((more.min(), names[more.argmin()]), (alone.min(), names[alone.argmin()] + " without neighbours"))
    print(f"streams held out gain {gains[:, 0].mean():.3f} dB, {more.mean():+.3f} against today's networks; without neighbours "
          f"{gains[:, 2].mean():.3f} and {alone.mean():+.3f}; at worst {worst:+.3f}, {of}", flush=True)
    return worst


def check_gradient(group, rng):
    """Compares the gradient with what small changes do to the loss."""
    b = group[rng.integers(0, len(group.target), 64)]
    j = Networks.random(rng)
    for name in j:
        j[name] += rng.normal(size=j[name].shape).astype(np.float32) / 50
    g = j.backward(b, loss(b, j.forward(b))[2])
    for name in LAYERS:
        way = (g[name] / np.linalg.norm(g[name])).astype(np.float32)
        was, slopes = j[name], []
        for step in 0.003, -0.003:
            j[name] = was + np.float32(step) * way
            slopes.append(loss(b, j.forward(b))[0].astype(np.float64).mean() / step)
        j[name] = was
        told, found = np.linalg.norm(g[name]), (slopes[0] + slopes[1]) / 2
        print(f"gradient of {name}: {told:.5f}, found {found:.5f}")
        if abs(told - found) > 0.1 * told:
            sys.exit("the gradient is wrong")


def learn(networks, groups, epochs, rng):
    """Improves the networks by Adam (Kingma and Ba, 2014), with a rate that falls to nothing along a cosine. Yields after each epoch."""
    mean, square = ({name: np.zeros(shape, np.float32) for name, shape in LAYERS.items()} for _ in range(2))
    batches = [(i, at) for i, g in enumerate(groups) for at in range(0, len(g.target), BATCH)]
    steps, step = epochs * len(batches), 0
    for epoch in range(epochs):
        orders = [rng.permutation(len(g.target)) for g in groups]
        total = 0
        for k in rng.permutation(len(batches)):
            i, at = batches[k]
            b = groups[i][orders[i][at:at + BATCH]]
            if rng.random() < ALONE:
                b = b.alone()
            each, _, d = loss(b, networks.forward(b))
            gradient = networks.backward(b, d)
            step += 1
            rate = RATE * (1 + np.cos(np.pi * step / steps)) / 2 * min(1, step / 200)
            for name, g in gradient.items():
                mean[name] += 0.1 * (g - mean[name])
                square[name] += 0.001 * (g * g - square[name])
                networks[name] -= (rate * (mean[name] / (1 - 0.9**step)) / (np.sqrt(square[name] / (1 - 0.999**step)) + 1e-8)).astype(np.float32)
            total += each.mean()
        yield epoch + 1, total / len(batches)


def main():
    directory, file = Path(sys.argv[1]), sys.argv[2]
    epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 6
    scenes = sorted({f.stem.rsplit("_", 2)[0] if "_n" in f.stem else f.stem.rsplit("_", 1)[0] for f in directory.glob("*.tiles")})
    of = lambda some: [f for s in some for f in sorted(directory.glob(f"{s}_[0-9]*.tiles"))]
    held = of(scenes[3::HELD_OUT])
    names, held = [f.stem for f in held], read(held)
    groups = read(of([s for i, s in enumerate(scenes) if i % HELD_OUT != 3]))
    print(f"{len(scenes)} scenes, {sum(len(g.target) for g in groups)} tiles, {sum(len(g.target) for g in held)} of scenes held out")
    rng = np.random.default_rng(1)
    check_gradient(max(groups, key=lambda g: g.trust.shape[1]), rng)
    networks, version = Networks.read(file)
    here, written = 0, 0
    for g in groups + held:
        today = errors(networks, g)
        here, written = here + today.sum(dtype=float), written + g.after.sum(dtype=float)
        g.after[:], g.after_alone[:] = today, errors(networks, g.alone())
    print(f"today's networks leave a square error of {here:.6g} here, and left {written:.6g} in Go")
    learned = Networks({name: networks[name].copy() for name in LAYERS})
    for epoch, value in learn(learned, groups, epochs, rng):
        print(f"epoch {epoch} of {epochs}: loss {value:.4f}, ", end="")
        compare(learned, held, names)
    for step in 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32:
        new = Networks({name: networks[name] + np.float32(step) * (learned[name] - networks[name]) for name in LAYERS})
        print(f"{step} of the step: ", end="")
        if compare(new, held, names) >= -LOSS:
            new.write(file, version + 1)
            return
    sys.exit("the way that was learned leads to losses")


if __name__ == "__main__":
    main()
