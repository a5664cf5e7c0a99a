package enhance

// A blend merges a tile: coefficients of the same frequencies, of the target and its neighbours. The assembly reads and writes it.
type blend struct {
	target, merged [tileLen]float32
	left           [tileLen]float32 // the target's part of all weights
	sum, weight    [tileLen]float32 // of the neighbours: their differences times their weights, and their weights
	scene, mean    [padded]float32  // the energies of the target, and the mean of those of the differences
	others         []other
	rated
}

// What the networks make of a tile. Here it needs no memory of its own for each.
type rated struct {
	common, values [hidden]float32 // hidden values that all neighbours share, and those of one, or of the target
	worth          [hidden]float32
	energies       [2][padded]float32 // of what is merged, and of the target's part
	kept           [2][hidden]float32
}

// An other is a neighbour's tile.
type other struct {
	in         *input
	trust      float32
	difference [tileLen]float32 // from the target
	energies   [padded]float32  // of that, by ring; two facts follow them
	share      float32          // of its weight in the first coefficient, the mean: how much counted, from zero to one
}

// begin takes up the target's tile, which is there, and those of the neighbours that can be trusted there at all.
func (b *blend) begin(m *merger, inputs []input, at, index int) {
	target := &inputs[0]
	kernels.across(&b.target, m.columns[0][at:])
	kernels.spread(&b.scene, &b.target, 1/target.variance)
	b.others = b.others[:0]
	clear(b.mean[:])
	for k := 1; k < len(inputs); k++ {
		in := &inputs[k]
		if in.weight <= 0 || in.trust[index] <= leastTrust {
			continue
		}
		if len(b.others) == cap(b.others) {
			b.others = append(b.others, other{})
		} else {
			b.others = b.others[:len(b.others)+1]
		}
		o := &b.others[len(b.others)-1]
		o.in, o.trust = in, in.trust[index]
		kernels.across(&o.difference, m.columns[k][at:])
		kernels.spread(&o.energies, &o.difference, 1/(target.variance+in.variance))
		for r, e := range o.energies[:rings] {
			b.mean[r] += e
		}
	}
	for r := range b.mean {
		b.mean[r] /= max(1, float32(len(b.others)))
	}
}

// merge merges the tile.
func (b *blend) merge(target *input) {
	w, t := &trained().Worth, &trained().Truth
	clear(b.sum[:])
	clear(b.weight[:])
	if len(b.others) > 0 {
		clear(b.common[:])
		kernels.feed(&b.common, w.Tile[:], b.scene[:rings], unbounded)
		kernels.feed(&b.common, w.Tile[rings*hidden:], b.mean[:rings], unbounded)
	}
	for k := range b.others {
		o := &b.others[k]
		for i, v := range b.common {
			b.values[i] = o.in.hidden[i] + v
		}
		weight := o.in.weight * o.trust
		o.energies[rings], o.energies[rings+1] = log2(o.trust), log2(weight/target.weight)
		kernels.feed(&b.values, w.Other[:], o.energies[:rings+2], unbounded)
		b.worth = [hidden]float32(w.Out[:hidden])
		kernels.feed(&b.worth, w.Out[hidden:], b.values[:], 0)
		before := b.weight[0]
		kernels.count(b, &o.difference, &b.worth, weight, target.variance+o.in.variance)
		o.share = (b.weight[0] - before) / o.in.weight
	}
	kernels.mix(b, target.weight)
	kernels.spread(&b.energies[0], &b.merged, 1/target.variance)
	kernels.spread(&b.energies[1], &b.left, 1)
	b.values = target.hidden
	for i, e := range []*[padded]float32{&b.energies[0], &b.energies[1], &b.scene} {
		kernels.feed(&b.values, t.Tile[i*rings*hidden:], e[:rings], unbounded)
	}
	for i := range b.kept {
		b.kept[i] = [hidden]float32(t.Out[i][:hidden])
		kernels.feed(&b.kept[i], t.Out[i][hidden:], b.values[:], 0)
	}
	// What of the coefficients is the mean's stays, or bright tiles would become darker: windowed, the mean has coefficients beside the
	// first, too.
	first := b.merged[0]
	kernels.restore(b, &b.kept, 1/target.variance, first/(shadow[0]*shadow[0]))
	b.merged[0] = first
}

// differ makes differences.
func differ(row, target []float32) {
	for x, v := range target[:len(row)] {
		row[x] -= v
	}
}

// count adds a neighbour's differences to the sum. By ring of frequency they have a part of the neighbour's weight. Half of that is left
// where their energy is at a tolerance, and less above it. Compare Hasinoff et al., "Burst photography for high dynamic range and low-light
// imaging on mobile cameras" (2016).
func count(b *blend, difference *[tileLen]float32, worth *[hidden]float32, weight, variance float32) {
	const tolerance = 2 // variances; chosen by trial before there were networks, which begin with it, and say how many times as much
	var part, half [rings]float32
	for r := range half {
		half[r] = tolerance * tolerance * variance * variance * exp2(2*worth[padded+r])
		part[r] = weight * exp2(worth[r]) * half[r]
	}
	var energy [tileLen]float32
	powers(&energy, difference)
	for i, d := range difference {
		a := part[ringOf[i]] / (half[ringOf[i]] + energy[i]*energy[i])
		b.sum[i] += a * d
		b.weight[i] += a
	}
}

// mix merges what was counted with the target, which counts by its weight.
func mix(b *blend, weight float32) {
	for i, t := range b.target {
		all := weight + b.weight[i]
		b.merged[i] = t + b.sum[i]/all
		b.left[i] = weight / all
	}
}

// restore keeps of the merged coefficients what is likely to be true: a share that rises with their energy, from low to high, and is half
// way where the energy is half.
func restore(b *blend, kept *[2][hidden]float32, perVariance, mean float32) {
	// most is the largest share. It is above one, since encoders weaken detail. Chosen as a bound of what a network may add to a picture.
	const most = 1.3
	var low, more, half [rings]float32
	for r := range low {
		low[r] = most / (1 + exp2(-kept[0][r]))
		more[r] = most/(1+exp2(-kept[0][padded+r])) - low[r]
		half[r] = exp2(kept[1][r])
	}
	var energy [tileLen]float32
	powers(&energy, &b.merged)
	for i, m := range b.merged {
		r, e, s := ringOf[i], energy[i]*perVariance, mean*shadow[i/tile]*shadow[i%tile]
		b.merged[i] = (m-s)*(low[r]+more[r]*e/(e+half[r])) + s
	}
}

// shadow is what the window leaves of ones, transformed.
var shadow = func() [tile]float32 {
	w := window
	cosine16(&w)
	return w
}()

// powers averages the squares of coefficients with those of frequencies beside them: one says little about what is to be expected.
func powers(out, in *[tileLen]float32) {
	var rows [tileLen]float32
	for u := range tile {
		r, o := (*[tile]float32)(in[tile*u:]), (*[tile]float32)(rows[tile*u:])
		before := r[0] * r[0] // beyond the first, the same again
		here := before
		for v := range tile - 1 {
			after := r[v+1] * r[v+1]
			o[v] = before + 2*here + after
			before, here = here, after
		}
		o[tile-1] = before + 3*here
	}
	for u := range tile {
		l, r := max(u-1, 0), min(u+1, tile-1)
		a, b, c := (*[tile]float32)(rows[tile*l:]), (*[tile]float32)(rows[tile*u:]), (*[tile]float32)(rows[tile*r:])
		o := (*[tile]float32)(out[tile*u:])
		for v := range o {
			o[v] = (a[v] + 2*b[v] + c[v]) / 16
		}
	}
}
