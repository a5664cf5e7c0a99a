package enhance

import (
	"encoding/binary"
	"flag"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/enhance/internal/raster"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// The networks learn from tiles: from what a merger knows of them, and what the scene looked like there. This writes them, for
// enhance/train/fit.py:
//
//	go test -run TilesOfStreams ./enhance -streams=DIR
//
// DIR is that of enhance/train/scenes.py. The tiles of DIR/NAME_KBIT.flv go to DIR/NAME_KBIT.tiles.
var streams = flag.String("streams", "", "`folder` of streams whose tiles are to be written")

// How many tiles of a plane are taken, at random places: there are about three of luma for two of chroma.
const lumaTiles, chromaTiles = 150, 50

// A block is the tiles of one plane of a picture. It is written as its fields stand here, and all numbers are float32, so that
// readers need to know of one type only.
type block struct {
	plane      int // 0 is luma
	variance   float32
	weight     float32
	facts      [2]float32 // see truth.ofTarget
	neighbours []blockNeighbour
	tiles      []blockTile
}

type blockNeighbour struct {
	facts    neighbourFacts
	variance float32
	weight   float32
}

type blockTile struct {
	before, after float32 // square errors of the target, and of what is merged with today's networks, summed up over coefficients
	target        [tileLen]float32
	truth         [tileLen]float32 // what the scene differs by from the target
	neighbours    []blockTileNeighbour
}

type blockTileNeighbour struct {
	trust      float32 // zero if the merger leaves it out
	difference [tileLen]float32
}

// append appends the block to a file.
func (b *block) append(file []byte) []byte {
	add := func(v ...float32) {
		for _, v := range v {
			file = binary.LittleEndian.AppendUint32(file, math.Float32bits(v))
		}
	}
	add(float32(b.plane), float32(len(b.neighbours)), float32(len(b.tiles)), b.variance, b.weight)
	add(b.facts[:]...)
	for _, n := range b.neighbours {
		add(n.facts[:]...)
		add(n.variance, n.weight)
	}
	for i := range b.tiles {
		t := &b.tiles[i]
		add(t.before, t.after)
		add(t.target[:]...)
		add(t.truth[:]...)
		for k := range t.neighbours {
			add(t.neighbours[k].trust)
			add(t.neighbours[k].difference[:]...)
		}
	}
	return file
}

// blocksOf merges a burst as Fuse does, and returns some tiles of each plane on the way.
func blocksOf(t *testing.T, b *frame.Burst, source *image.YCbCr, random *rand.Rand) []block {
	t.Helper()
	var s fuser
	check(t, s.choose(b))
	check(t, s.prepare(t.Context()))
	check(t, s.align(t.Context(), Medium.finest(source.Rect.Size())))
	truths, err := raster.Split(source)
	check(t, err)
	made, err := raster.Split(image.NewYCbCr(source.Rect, source.SubsampleRatio))
	check(t, err)
	var blocks []block
	for c := range truths {
		inputs, err := s.see(t.Context(), c)
		check(t, err)
		check(t, merge(t.Context(), made[c], inputs)) // what counts of luma says which chroma is trusted
		block := block{plane: c, variance: inputs[0].variance, weight: inputs[0].weight}
		target := &s.members[0]
		block.facts = [2]float32{log2(block.variance), log2(target.noise / block.variance)}
		for k, in := range inputs[1:] {
			facts := factsOf(target, &s.members[1+k], block.variance, in.variance)
			block.neighbours = append(block.neighbours, blockNeighbour{facts, in.variance, in.weight})
		}
		block.tiles = tilesOf(inputs, truths[c], random)
		blocks = append(blocks, block)
	}
	return blocks
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tilesOf takes tiles at random places. The source is an input as well, so that it goes where the others go, but none that is merged.
func tilesOf(inputs []input, source raster.Plane, random *rand.Rand) (tiles []blockTile) {
	n := chromaTiles
	if inputs[len(inputs)-1].share != nil {
		n = lumaTiles
	}
	all := slices.Concat(inputs, []input{{Plane: source}})
	m := new(merger)
	across, down := (source.W-1)/hop+2, (source.H-1)/hop+2
	width := hop*across + hop
	m.begin(all, width)
	m.next(all, -1, width)
	for g := range down {
		m.next(all, g, width)
		for k := range all {
			kernels.down(m.columns[k], m.rows[k], width)
		}
		for c := range across {
			if random.IntN(across*down) < n {
				tiles = append(tiles, m.tileOf(all, tile*hop*c, g*across+c))
			}
		}
	}
	return tiles
}

// tileOf takes the tile that begins at columns[at]; index is its place in the lists of trust.
func (m *merger) tileOf(all []input, at, index int) (t blockTile) {
	inputs, last := all[:len(all)-1], len(all)-1
	kernels.across(&t.truth, m.columns[last][at:])
	b := &m.tile
	b.begin(m, inputs, at, index)
	t.target = b.target
	t.neighbours = make([]blockTileNeighbour, len(inputs)-1)
	for i := range b.others {
		for k := range t.neighbours {
			if b.others[i].in == &inputs[1+k] {
				t.neighbours[k] = blockTileNeighbour{b.others[i].trust, b.others[i].difference}
			}
		}
	}
	b.merge(&inputs[0])
	for i, d := range t.truth {
		t.before += d * d
		d += t.target[i] - b.merged[i]
		t.after += d * d
	}
	return t
}

// What is written of a tile is what the merger knows of it.
func TestTilesAreWhatIsMerged(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	picture := func(shift int, at time.Duration) *frame.Picture {
		img := image.NewYCbCr(image.Rect(0, 0, 160, 96), image.YCbCrSubsampleRatio420)
		for i := range img.Y {
			x, y := float64(i%160+shift), float64(i)/160
			img.Y[i] = byte(120 + 40*math.Sin(x/5)*math.Cos(y/7) + 3*random.NormFloat64())
		}
		return &frame.Picture{YCbCr: img, PTS: at, Key: at == 0, EffectiveQP: 30}
	}
	b := &frame.Burst{Target: 1, Pictures: []*frame.Picture{picture(0, 0), picture(1, time.Second/10), picture(2, time.Second/5)}}
	source := b.Picture().Clone().YCbCr
	for i := range source.Y {
		source.Y[i] += 2
	}
	for _, block := range blocksOf(t, b, source, random) {
		brighter := float32(0)
		if block.plane == 0 {
			brighter = 2
		}
		if len(block.neighbours) != 2 || len(block.tiles) == 0 {
			t.Fatalf("plane %d has %d neighbours and %d tiles", block.plane, len(block.neighbours), len(block.tiles))
		}
		trusted := 0
		for _, tile := range block.tiles {
			for i, d := range tile.truth {
				if want := brighter * shadow[i/16] * shadow[i%16]; math.Abs(float64(d-want)) > 1e-3 {
					t.Fatalf("plane %d: coefficient %d of the scene differs by %g, not by %g", block.plane, i, d, want)
				}
			}
			for _, n := range tile.neighbours {
				if n.trust > leastTrust && n.difference != [tileLen]float32{} {
					trusted++
				}
			}
		}
		if block.plane == 0 && trusted < len(block.tiles) {
			t.Errorf("of %d tiles, neighbours are trusted %d times", len(block.tiles), trusted)
		}
	}
}

// A stream is what was decoded of a file.
type stream struct {
	gops     []frame.GOP
	pictures [][]*frame.Picture // of each GOP, in presentation order
}

func readStream(t *testing.T, file string) (s stream) {
	t.Helper()
	for _, u := range frametest.Units(t, file) {
		if u.Key {
			s.gops = append(s.gops, nil)
		}
		last := len(s.gops) - 1
		s.gops[last] = append(s.gops[last], u)
	}
	decoder := ffmpeg.Decoder{Threads: 1}
	for _, g := range s.gops {
		var pictures []*frame.Picture
		for p, err := range decoder.Decode(t.Context(), g, time.Time{}) {
			check(t, err)
			pictures = append(pictures, p)
		}
		s.pictures = append(s.pictures, pictures)
	}
	return s
}

// burst gathers a picture and its neighbours, of as many units as had come.
func (s *stream) burst(gop, place, come int) *frame.Burst {
	var gops []frame.GOP
	for _, g := range s.gops {
		g = g[:min(len(g), come)]
		come -= len(g)
		if len(g) > 0 {
			gops = append(gops, g)
		}
	}
	target := s.pictures[gop][place]
	b := new(frame.Burst)
	for g, units := range (Fuse{}).Neighbours(gops, gop, s.unit(gop, target)) {
		for _, p := range s.pictures[g] {
			if p == target {
				b.Target = len(b.Pictures)
			}
			if slices.Contains(units, s.unit(g, p)) {
				b.Pictures = append(b.Pictures, p)
			}
		}
	}
	return b
}

// unit returns the index of the unit that a picture was decoded from.
func (s *stream) unit(gop int, p *frame.Picture) int {
	return slices.IndexFunc(s.gops[gop], func(u frame.AccessUnit) bool { return u.PTS == p.PTS })
}

// blocks returns tiles of some pictures of the stream, captured at once, three pictures later, and when the next GOP has begun.
func (s *stream) blocks(t *testing.T, scene *stream, random *rand.Rand) (blocks []block) {
	t.Helper()
	begin := 0 // of the GOP, in units
	for gop, g := range s.gops {
		for i, place := range []int{0, 1, len(g) / 4, len(g) / 2, len(g) - 1} {
			if len(g) < 10 || gop == 0 && i > 1 { // of the first GOP, whose pictures have few neighbours, two are enough
				continue
			}
			p := s.pictures[gop][place]
			at := begin + s.unit(gop, p) + 1
			come := []int{at, at + 3, begin + len(g) + 1}[(gop+i)%3]
			blocks = append(blocks, blocksOf(t, s.burst(gop, place, come), scene.pictures[gop][place].YCbCr, random)...)
		}
		begin += len(g)
	}
	return blocks
}

// What the networks learn from is written if -streams says from what.
func TestTilesOfStreams(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(*streams, "*.flv"))
	check(t, err)
	var scene stream
	var sceneFile string
	for _, file := range files {
		name := regexp.MustCompile(`^(.+)_\d+(_n\d+)?\.flv$`).FindStringSubmatch(file)
		if *streams == "" || name == nil {
			continue
		}
		out := strings.TrimSuffix(file, ".flv") + ".tiles"
		if _, err := os.Stat(out); err == nil {
			continue
		}
		if name[1] != sceneFile {
			sceneFile = name[1]
			scene = readStream(t, sceneFile+".flv")
		}
		s := readStream(t, file)
		if len(scene.pictures) != len(s.pictures) || len(scene.pictures[0]) != len(s.pictures[0]) {
			t.Fatalf("%s has other pictures than its scene", file)
		}
		var written []byte
		var before, after float64
		for _, b := range s.blocks(t, &scene, rand.New(rand.NewPCG(1, 2))) {
			written = b.append(written)
			for i := range b.tiles {
				before, after = before+float64(b.tiles[i].before), after+float64(b.tiles[i].after)
			}
		}
		check(t, os.WriteFile(out, written, 0o644))
		t.Logf("%s: merged %.2f dB nearer to the scene", filepath.Base(out), 10*math.Log10(before/after))
	}
}
