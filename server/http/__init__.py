"""HTTP/1.1 on sockets: what is answered in no time on the event loop, everything else in threads."""
