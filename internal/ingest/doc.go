// Package ingest has what packages rtmp and rtsp have in common.
//
// Their Servers accept connections by a Listener, which bounds them by a Limiter, and what they have buffered by Buffers. A Conn is read no faster
// than a publisher needs. A Log stays readable under attack, and Guesses slows down those who guess at passwords, tokens and names. Their
// Clients pull by a Loop. Names and errors of both are made fit for logs here, and the Units of their streams can be ranged over once.
package ingest
