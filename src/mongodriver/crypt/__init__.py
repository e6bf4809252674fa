"""Client-side encryption: what libmongocrypt, through pymongocrypt, needs of a driver."""
