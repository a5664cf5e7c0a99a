package publishers

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// The kinds of publishers there are. Each is made anew for every publisher, with other figures.
var kinds = []func(r *rand.Rand) plan{
	func(*rand.Rand) plan { return plan{about: "all is well", steady: true, honest: true} },
	func(r *rand.Rand) plan {
		ppm := r.IntN(801) - 400
		return plan{about: fmt.Sprintf("a clock that is off by %d ppm", ppm), steady: true, stamps: pace(1 + float64(ppm)/1e6)}
	},
	func(r *rand.Rand) plan {
		p := one(r, 0.07, 0.3, 0.5, 0.75, 0.84, 0.9, 0.97, 1.03, 1.2, 2, 5, 10)
		return plan{about: fmt.Sprintf("timestamps at %v of real time", p), stamps: pace(p)}
	},
	func(r *rand.Rand) plan {
		p := one(r, 8000./90000, 1000./90000, 0.5, 2, 90000./48000)
		return plan{about: fmt.Sprintf("a clock rate that is %.3f of what it is said to be", p), stamps: pace(p)}
	},
	func(r *rand.Rand) plan {
		paces := make([]float64, 1+r.IntN(8))
		for i := range paces {
			paces[i] = one(r, 0, 0.1, 0.4, 0.8, 0.9, 1, 1, 1.1, 2, 10)
		}
		every := seconds(1 + 9*r.Float64())
		return plan{about: "a pace that changes", stamps: paced(paces, every), plain: true}
	},
	func(*rand.Rand) plan {
		return plan{about: "no timestamps", stamps: pace(0), plain: true}
	},
	func(r *rand.Rand) plan {
		unit := seconds(one(r, 0.1, 0.25, 1))
		return plan{about: fmt.Sprintf("timestamps in units of %v", unit), plain: true,
			stamps: func(at time.Duration) time.Duration { return at.Truncate(unit) }}
	},
	func(r *rand.Rand) plan { return steps(r, 1) },
	func(r *rand.Rand) plan { return steps(r, -1) },
	func(r *rand.Rand) plan {
		every, low := seconds(11+7*r.Float64()), seconds(0.3+5*r.Float64())
		return plan{about: fmt.Sprintf("timestamps that are off by %v for a second each %v", low, every),
			step: func(at time.Duration) time.Duration {
				if at%every > every-time.Second {
					return -low
				}
				return 0
			}}
	},
	func(r *rand.Rand) plan {
		begins, lasts := stall(r)
		return plan{about: fmt.Sprintf("a stall of %v, and then all at once", lasts), honest: true,
			network: func(sent time.Duration) time.Duration {
				if begins < sent && sent < begins+lasts {
					return begins + lasts
				}
				return sent
			}}
	},
	func(r *rand.Rand) plan {
		begins, lasts := stall(r)
		faster := one(r, 1.1, 1.5, 2, 5, 20)
		return plan{about: fmt.Sprintf("a stall of %v, and then %v times as fast", lasts, faster), honest: true,
			network: func(sent time.Duration) time.Duration {
				if sent < begins {
					return sent
				}
				return max(sent, begins+lasts+time.Duration(float64(sent-begins)/faster))
			}}
	},
	func(r *rand.Rand) plan {
		begins, lasts := stall(r)
		return plan{about: fmt.Sprintf("a delay that grows by %v", lasts), honest: true,
			network: func(sent time.Duration) time.Duration {
				if sent < begins {
					return sent
				}
				return sent + lasts
			}}
	},
	func(r *rand.Rand) plan {
		every, lasts := seconds(5+10*r.Float64()), seconds(4*r.Float64())
		p := one(r, 0.9, 0.9, 0.7, 0.95)
		return plan{about: fmt.Sprintf("delivered at %v of real time, with stalls of %v each %v", p, lasts, every), honest: true,
			network: func(sent time.Duration) time.Duration {
				at := time.Duration(float64(sent) / p)
				if into := at % every; into < lasts && at > every {
					return at - into + lasts
				}
				return at
			}}
	},
	func(r *rand.Rand) plan {
		p := one(r, 0.07, 0.2, 0.5, 0.75)
		return plan{about: fmt.Sprintf("delivered at %v of real time", p), honest: true,
			network: func(sent time.Duration) time.Duration { return time.Duration(float64(sent) / p) }}
	},
	func(r *rand.Rand) plan {
		kept := seconds(4 * r.Float64())
		return plan{about: fmt.Sprintf("begins with %v that a server had kept", kept), honest: true,
			network: func(sent time.Duration) time.Duration { return max(kept, sent) }}
	},
	func(r *rand.Rand) plan {
		late := seconds(r.Float64())
		return plan{about: fmt.Sprintf("a first unit that is %v late", late), honest: true,
			network: func(sent time.Duration) time.Duration { return max(sent, late) }}
	},
}

func one(r *rand.Rand, of ...float64) float64 { return of[r.IntN(len(of))] }

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}

func stall(r *rand.Rand) (begins, lasts time.Duration) {
	return seconds(4 + 6*r.Float64()), seconds(one(r, 0.3, 0.9, 1.5, 4, 9, 12, 20))
}

// pace returns timestamps that pass at a pace of real time.
func pace(p float64) func(time.Duration) time.Duration {
	return func(at time.Duration) time.Duration { return time.Duration(float64(at) * p) }
}

// paced returns timestamps whose pace changes, each time after a while, and begins anew after the last.
func paced(paces []float64, every time.Duration) func(time.Duration) time.Duration {
	return func(at time.Duration) (stamp time.Duration) {
		for i := 0; at > 0; i++ {
			stamp += time.Duration(float64(min(at, every)) * paces[i%len(paces)])
			at -= every
		}
		return stamp
	}
}

// steps returns timestamps that step at times, ahead or back.
func steps(r *rand.Rand, sign float64) plan {
	by, every := seconds(sign*one(r, 0.2, 0.7, 1.5, 3, 5, 9, 11, 60, 3600)), seconds(10+10*r.Float64())
	return plan{about: fmt.Sprintf("timestamps that step by %v each %v", by, every),
		step: func(at time.Duration) time.Duration { return time.Duration(int(at/every)) * by }}
}
