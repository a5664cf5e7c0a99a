package scale

// Sums are divided by one when they are complete, and rounded.
const half = both << (oneBits - 1)

// across makes a row of another width.
func (t *taps) across(to, from []pixel) {
	const begin = half + both*(offset<<oneBits)
	for x, first := range t.first {
		weights := t.weights[x*t.n:][:t.n]
		from := from[first:][:len(weights)]
		rg, b := uint64(begin), uint64(begin)
		for k, w := range weights {
			rg += w * from[k].rg
			b += w * from[k].b
		}
		to[x] = pixel{rg >> oneBits & kept, b >> oneBits & kept}
	}
}

// down makes row y of another height, of rows of which row i is at i modulo their number.
func (t *taps) down(to []pixel, rows [][]pixel, y int) {
	for x := range to {
		to[x] = pixel{half, half}
	}
	weights := t.weights[y*t.n:][:t.n]
	row := func(k int) []pixel { return rows[(t.first[y]+k)%len(rows)][:len(to)] }
	for ; len(weights) >= 2; weights = weights[2:] {
		k := t.n - len(weights)
		a, b, wa, wb := row(k), row(k+1), weights[0], weights[1]
		for x := range to {
			to[x] = pixel{to[x].rg + wa*a[x].rg + wb*b[x].rg, to[x].b + wa*a[x].b + wb*b[x].b}
		}
	}
	if len(weights) == 1 {
		a, wa := row(t.n-1), weights[0]
		for x := range to {
			to[x] = pixel{to[x].rg + wa*a[x].rg, to[x].b + wa*a[x].b}
		}
	}
	for x := range to {
		to[x] = pixel{to[x].rg >> oneBits & kept, to[x].b >> oneBits & kept}
	}
}
