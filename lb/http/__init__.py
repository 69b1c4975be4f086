"""HTTP/1.1 without input or output: heads are scanned, bodies are taken out of their framing and put into another.

Nothing that came in is passed on as it is. A head is taken apart, judged and written anew; a chunked body is decoded
and chunked anew. What could be read in two ways is refused and never mended, because the node behind us, or the next
proxy, may read it in the other way (request smuggling).
"""
