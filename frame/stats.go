package frame

// ServerStats are what a Server has taken in since it was made, on all its listeners.
type ServerStats struct {
	Conns   int `json:"conns"`   // connections that are open
	Streams int `json:"streams"` // that come now

	// Accepted are the connections that were let in, Refused those for
	// which there was no room.
	Accepted int64 `json:"accepted"`
	Refused  int64 `json:"refused"`

	// Begun are the streams that the Handler has accepted, Failed those of
	// them that have ended with an error. Denied are the streams that were
	// refused, by the Handler or before it.
	Begun  int64 `json:"begun"`
	Failed int64 `json:"failed"`
	Denied int64 `json:"denied"`
}

// ClientStats are how a Client has fared since it was made.
type ClientStats struct {
	// Live says that a unit has come, and that the stream has not ended
	// since.
	Live bool `json:"live"`

	Attempts int64 `json:"attempts"` // to pull the stream
	Begun    int64 `json:"begun"`    // attempts that brought a unit
	Failures int   `json:"failures"` // in a row that brought none
}
