"""HTTP/1.1 on sockets: the event loop answers short reads, and threads answer all other requests."""
