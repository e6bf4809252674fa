"""What a reply of the server means, and how it is decoded."""
