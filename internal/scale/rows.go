package scale

// Kernels are what most of the time is spent in. Those in assembly return what the others do, except for rounding.
type kernels struct {
	across func(to, from []pixel, t *taps)                      // makes a row of another width
	down   func(to []lights, rows [][]pixel, weights []float32) // sums rows, each with its weight
}

func across(to, from []pixel, t *taps) {
	for x, first := range t.first {
		weights := t.weights[x*t.n:][:t.n]
		from := from[first:][:len(weights)]
		var sum pixel
		for k, w := range weights {
			sum.r += w * from[k].r
			sum.g += w * from[k].g
			sum.b += w * from[k].b
		}
		to[x] = sum
	}
}

func down(to []lights, rows [][]pixel, weights []float32) {
	for x := range to {
		var sum pixel
		for k, w := range weights {
			p := &rows[k][x]
			sum.r += w * p.r
			sum.g += w * p.g
			sum.b += w * p.b
		}
		to[x] = lights{light(sum.r), light(sum.g), light(sum.b)}
	}
}

// light returns light in units of 1/white.
func light(v float32) int32 { return int32(min(max(v, 0), 1)*white + 0.5) }

// add adds a row to another, with a weight.
func add(to, from []pixel, w float32) {
	from = from[:len(to)]
	for x := range to {
		to[x].r += w * from[x].r
		to[x].g += w * from[x].g
		to[x].b += w * from[x].b
	}
}
