"""A template repository as a client sees it: lists, queue, and the state kept between runs."""
