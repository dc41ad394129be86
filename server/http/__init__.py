"""HTTP/1.1 on sockets: short reads are answered on the event loop, everything else in threads."""
