package scale

//go:generate sh -c "cd internal/asm && go run . -out ../../rows_amd64.s"

// Kernels are what most of the time is spent in. Each exists twice: in Go, for every processor, and in assembly. Images are the same by either.
type kernels struct {
	double func(to, from []byte)                                         // repeats each byte, as far as there is room
	light  func(to []int16, above, below *[3][]byte)                     // makes a pair of rows of light of luma, Cb and Cr of each pixel
	down   func(to []int16, row int, from [][]int16, weights [][2]int16) // sums pairs of rows to one row of a mixed pair: 0 or 1
	add    func(sum []int32, pair []int16, weights [2]int16)             // adds a pair of rows to a sum, each with its weight
	across func(to []lights, from []int16, t *taps)                      // makes two rows of another width of a mixed pair

	// write writes two rows of which each four pixels share their chroma, from the left on, and returns how many columns it has written: all that it
	// can at a time.
	write func(luma *[2][]byte, cb, cr []byte, from []lights, levels *levelsOfLight) int
}

// A pair of rows of light is in groups of 16 pixels: red of each, a number of the upper row and one of the lower, then green, then blue. In assembly
// the pixels of a group have another order.
const (
	group     = 16
	groupSize = 3 * 2 * group
)

// A mixed pair of rows has, for each two pixels beside each other, red of both, green, blue and nothing in the upper row, and then in the lower.
const (
	mixedRow  = 8
	mixedSize = 2 * mixedRow
)

// inGo are the kernels for every processor.
var inGo = kernels{double, toLight, down, add, across, writeNone}

func double(to, from []byte) {
	for i, v := range from[:min(len(from), len(to)/2)] {
		to[2*i], to[2*i+1] = v, v
	}
}

func toLight(to []int16, above, below *[3][]byte) {
	for i := range len(to) / groupSize * group {
		of := to[i/group*groupSize+i%group*2:]
		for row, from := range [...]*[3][]byte{above, below} {
			for k, v := range lightOf(from[0][i], from[1][i], from[2][i]) {
				of[k*2*group+row] = v
			}
		}
	}
}

func down(to []int16, row int, from [][]int16, weights [][2]int16) {
	for i := range len(from[0]) / groupSize * group {
		for colour := range 3 {
			at := i/group*groupSize + colour*2*group + i%group*2
			sum := int32(one / 2)
			for k, w := range weights {
				sum += int32(w[0])*int32(from[k][at]) + int32(w[1])*int32(from[k][at+1])
			}
			to[i/2*mixedSize+row*mixedRow+colour*2+i%2] = saturated(sum >> weightBits)
		}
	}
}

func add(sum []int32, pair []int16, weights [2]int16) {
	for i := range sum {
		of := pair[2*i:][:2]
		sum[i] += int32(weights[0])*int32(of[0]) + int32(weights[1])*int32(of[1])
	}
}

func across(to []lights, from []int16, t *taps) {
	for x, first := range t.first {
		weights := t.weights[x*t.n:][:t.n]
		for i := range to[x] {
			sum := int32(one / 2)
			for k, w := range weights {
				of := from[(first+k)*mixedSize+2*i:][:2]
				sum += int32(w[0])*int32(of[0]) + int32(w[1])*int32(of[1])
			}
			to[x][i] = min(max(sum>>weightBits, 0), white)
		}
	}
}

// writeNone leaves all to the writer.
func writeNone(*[2][]byte, []byte, []byte, []lights, *levelsOfLight) int { return 0 }

func saturated(v int32) int16 { return int16(min(max(v, -1<<15), 1<<15-1)) }
