"""The commands of ``source-server``, a module each; `source_server.__main__` names them."""
