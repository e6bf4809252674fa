# Arrow data: the classes around csrc/arrow. Part of _native.pyx.

cdef extern from "arrow/reader.h":
    ctypedef struct bx_arrow_reader:
        pass

    ctypedef struct bx_arrow_reading:
        Py_ssize_t max_documents
        Py_ssize_t max_bytes
        int id
        bint id_needed
        bint add_ids
        const uint8_t *first_id
        bint omit_nulls
        bint uint64_decimal
        bint collect
        PyObject *describe

    bx_arrow_reader *bx_arrow_reader_of_stream(bx_state *st, object capsule) except NULL
    bx_arrow_reader *bx_arrow_reader_of_array(
        bx_state *st, object schema, object array
    ) except NULL
    void bx_arrow_reader_close(bx_arrow_reader *r)
    void bx_arrow_reader_free(bx_arrow_reader *r)
    object bx_arrow_reader_fields(bx_arrow_reader *r)
    int bx_arrow_reader_set_plan(bx_arrow_reader *r, object plan) except -1
    object bx_arrow_reader_read(bx_arrow_reader *r, const bx_arrow_reading *reading)

cdef extern from "arrow/schema.h":
    object bx_arrow_fields_of_capsule(bx_state *st, object capsule)
    object bx_arrow_schema_capsule(object field)

cdef extern from "arrow/data.h":
    object bx_arrow_array_capsule(object data)
    object bx_arrow_stream_capsule(object field, object next, object failed)

cdef extern from "arrow/builder.h":
    ctypedef struct bx_arrow_builder:
        pass

    bx_arrow_builder *bx_arrow_builder_new(
        bx_state *st, object plan, bint strict, bint lenient
    ) except NULL
    void bx_arrow_builder_free(bx_arrow_builder *b)
    Py_ssize_t bx_arrow_builder_append(bx_arrow_builder *b, object documents) except -1
    object bx_arrow_builder_finish(bx_arrow_builder *b)
    long long bx_arrow_builder_rows(const bx_arrow_builder *b)
    long long bx_arrow_builder_size(const bx_arrow_builder *b)
    object bx_arrow_types(bx_state *st, object documents)


@cython.auto_pickle(False)
cdef class _ArrowBuilder:
    """Builds columns of documents: see csrc/arrow/builder.h."""

    cdef bx_arrow_builder *builder
    cdef object core  # the state lives as long

    @property
    def rows(self):
        """How many rows there are."""
        return bx_arrow_builder_rows(self.builder)

    @property
    def size(self):
        """Of how many bytes of BSON they were made."""
        return bx_arrow_builder_size(self.builder)

    def append(self, documents):
        """Add documents, bytes or a list; return how many."""
        return bx_arrow_builder_append(self.builder, documents)

    def finish(self):
        """Return what has been added, as data for `arrow_array` and streams, and begin again."""
        return bx_arrow_builder_finish(self.builder)

    def __dealloc__(self):
        bx_arrow_builder_free(self.builder)


@cython.auto_pickle(False)
cdef class _ArrowReader:
    """Reads the Arrow data of a stream capsule, or of a schema and an array capsule."""

    cdef bx_arrow_reader *reader
    cdef object core  # the state lives as long

    def fields(self):
        """Return the schema: see csrc/arrow/schema.h."""
        return bx_arrow_reader_fields(self.reader)

    def set_plan(self, plan):
        """Set what the columns are read as: see csrc/arrow/column.h."""
        bx_arrow_reader_set_plan(self.reader, plan)

    def read(
        self,
        Py_ssize_t max_documents,
        Py_ssize_t max_bytes,
        *,
        int id=-1,
        bint id_needed=False,
        bint add_ids=False,
        bytes first_id=None,
        bint omit_nulls=False,
        bint uint64_decimal=False,
        bint collect=False,
        object describe=None,
    ):
        """Return the next documents, or None: see csrc/arrow/reader.h."""
        cdef bx_arrow_reading reading

        reading.max_documents = max_documents
        reading.max_bytes = max_bytes
        reading.id = id
        reading.id_needed = id_needed
        if first_id is not None and len(first_id) != 12:
            raise ValueError(f"the first id must have 12 bytes, not {len(first_id)}")
        reading.add_ids = add_ids or first_id is not None
        reading.first_id = NULL
        if first_id is not None:
            reading.first_id = <const uint8_t *>PyBytes_AS_STRING(first_id)
        reading.omit_nulls = omit_nulls
        reading.uint64_decimal = uint64_decimal
        reading.collect = collect
        reading.describe = NULL if describe is None else <PyObject *>describe
        return bx_arrow_reader_read(self.reader, &reading)

    def close(self):
        """Release the data; may be called again."""
        bx_arrow_reader_close(self.reader)

    def __dealloc__(self):
        bx_arrow_reader_free(self.reader)
