package tone

import (
	"math"
	"slices"
	"sync"
)

// Nodes is how many nodes a Cube has along each edge.
const Nodes = 33

// Components is how many numbers a node has: Y', Cb, Cr of full-range BT.601, 0 to 255, and one that is not used.
const Components = 4

// A Cube has what becomes of the colours that lie on a grid over R'G'B': B' is nearest, R' farthest.
type Cube [Nodes * Nodes * Nodes * Components]float32

// cube makes the Cube of a Mapping.
func (m Mapping) cube() *Cube {
	var lights [Nodes]float64
	for i := range lights {
		lights[i] = m.light(float64(i) / (Nodes - 1))
	}
	to709, weights := m.to709(), m.gamut().toXYZ()[1]
	c, at := new(Cube), 0
	for _, r := range lights {
		for _, g := range lights {
			for _, b := range lights {
				shown := m.display(colour{r, g, b}, weights)
				for i, v := range yCbCr(inside(to709.of(shown))) {
					c[at+i] = float32(v)
				}
				at += Components
			}
		}
	}
	return c
}

// yCbCr returns the code values of light, in full-range BT.601.
func yCbCr(c colour) [3]float64 {
	const kr, kb = 0.299, 0.114
	for i := range c {
		c[i] = math.Pow(c[i], 1/displayGamma)
	}
	y := kr*c[0] + (1-kr-kb)*c[1] + kb*c[2]
	return [3]float64{255 * y, min(128+255*(c[2]-y)/(2*(1-kb)), 255), min(128+255*(c[0]-y)/(2*(1-kr)), 255)}
}

// most is how many Cubes are kept. One takes half a mebibyte, and 18 ms to make.
const most = 4

// Cubes makes Cubes, and keeps those that were asked for last. The zero Cubes is ready to use, by any number of goroutines.
type Cubes struct {
	mu   sync.Mutex
	kept []kept // the last is the newest
}

type kept struct {
	mapping Mapping
	cube    func() *Cube
}

// Of returns the Cube of a Mapping. It must not be changed.
func (c *Cubes) Of(m Mapping) *Cube { return c.find(m).cube() }

func (c *Cubes) find(m Mapping) (k kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.kept, func(k kept) bool { return k.mapping == m }); i >= 0 {
		k = c.kept[i]
		c.kept = slices.Delete(c.kept, i, i+1)
	} else {
		k = kept{m, sync.OnceValue(m.cube)}
		if len(c.kept) == most {
			c.kept = slices.Delete(c.kept, 0, 1)
		}
	}
	c.kept = append(c.kept, k)
	return k
}
