"""Queries on the path-info database of a data store; they do not use openBIS's main database."""

from __future__ import annotations

# A row for the folder of each data set (with an empty ``path``), for every file, for every folder
# that may be an HDF5 container, and at least one (with ``path`` null) for every data set that the
# database knows. ``codes`` are those of one page.
FILES = """
select d.code, f.relative_path as path, f.size_in_bytes as length,
       f.checksum_crc32 as crc32, f.checksum, f.is_directory
  from data_sets d
  left join data_set_files f on f.dase_id = d.id and (
         not f.is_directory or f.checksum_crc32 is not null or f.relative_path = ''
         or lower(f.file_name) like '%.h5' or lower(f.file_name) like '%.h5ar')
 where d.code = any (cast(:codes as text[]))
 order by d.code collate "C", f.relative_path collate "C"
"""

# `FILES` before schema 009, which brought checksums other than CRC-32.
FILES_UNTIL_008 = FILES.replace("f.checksum,", "null as checksum,")

HAS_DATA_SETS = "select exists (select 1 from data_sets)"


def with_times(query: str) -> str:
    """One of these queries, that also gives when each file changed (``last_modified``)."""
    return query.replace("f.is_directory\n", "f.is_directory, f.last_modified\n", 1)
