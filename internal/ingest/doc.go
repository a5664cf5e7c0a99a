// Package ingest has what the servers of all protocols do with connections: a Door bounds them, a Conn is read no faster than a
// publisher needs, a Log stays readable under attack, and Guesses slows down those who guess at passwords.
package ingest
