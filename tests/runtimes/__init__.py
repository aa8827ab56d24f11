"""Programs of Go, Rust, Java and node, which bring threads and code generators of their own."""
