/* HTTP/1.1 heads taken apart: which bytes are names and values, and whether they may be.
 *
 * This is the quick half of lb/http: it knows the grammar of RFC 9112 3 and 5 and no field at all. What a field means,
 * how a body is framed and what is refused, and in which words, is said in Python and nowhere else. A head of which
 * anything at all is unusual (a bare CR, a folded line, too many fields, a character that may not be) is answered with
 * None: the scanner in Python then judges it. So whatever is accepted here must be what is accepted there; a test holds
 * the two against each other. Built by `make compiled`; nothing needs it.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#define MAX_FIELDS 128 /* of a head; one with more is for Python */
#define MAX_NAME 32    /* of a field that is told of */
#define MAX_NAMES 64

enum { PASSES = -1, DROPPED = -2 };

typedef struct {
    const unsigned char *name, *value;
    Py_ssize_t name_size, value_size;
    int told; /* the index of its name among those that are told of, or one of the above */
} Field;

typedef struct {
    PyObject_HEAD
    Py_ssize_t header_bytes, target_bytes, header_count;
    int underscores;
    int names; /* by their size: those of size n are from first[n] to first[n + 1] */
    int first[MAX_NAME + 2];
    int index[MAX_NAMES];
    unsigned char name[MAX_NAMES][MAX_NAME];
    int passes[MAX_NAMES];
} Heads;

typedef struct {
    Field fields[MAX_FIELDS];
    int count, told;
    Py_ssize_t size;  /* of the head, with its empty line */
    Py_ssize_t block; /* of what passes */
} Scanned;

/* RFC 9110 5.6.2: a character of a token in lower case; 0 for all others. */
static unsigned char token[256];

static void make_token_table(void)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (int c = '0'; c <= '9'; c++) token[c] = (unsigned char)c;
    for (int c = 'a'; c <= 'z'; c++) token[c] = token[c - 'a' + 'A'] = (unsigned char)c;
    for (const char *c = others; *c; c++) token[(unsigned char)*c] = (unsigned char)*c;
}

/* RFC 9110 5.5. Without a way out in the middle, so that the compiler takes many bytes at once. */
static int is_text(const unsigned char *data, Py_ssize_t size)
{
    unsigned bad = 0;
    for (Py_ssize_t i = 0; i < size; i++)
        bad |= (unsigned)((data[i] < 0x20) & (data[i] != '\t')) | (unsigned)(data[i] == 0x7f);
    return !bad;
}

static int is_target(const unsigned char *data, Py_ssize_t size)
{
    unsigned bad = 0;
    for (Py_ssize_t i = 0; i < size; i++)
        bad |= (unsigned)(data[i] < 0x21) | (unsigned)(data[i] > 0x7e) | (unsigned)(data[i] == '#');
    return size > 0 && !bad;
}

/* Where the line that begins at `at` ends: before its CR LF or, the last one of a whole head, at `end`. NULL if it
 * ends otherwise, or not yet. */
static const unsigned char *line_end(const unsigned char *at, const unsigned char *end, int whole)
{
    const unsigned char *cr = memchr(at, '\r', (size_t)(end - at));
    if (cr == NULL) return whole ? end : NULL;
    return cr + 1 < end && cr[1] == '\n' ? cr : NULL;
}

/* One line as a field; 0 if it is none. */
static int scan_field(const Heads *heads, const unsigned char *at, const unsigned char *end, Field *field)
{
    unsigned char lower[MAX_NAME];
    const unsigned char *name = at;
    int has_underscore = 0;
    for (; at < end && token[*at]; at++) {
        if (at - name < MAX_NAME) lower[at - name] = token[*at];
        has_underscore |= *at == '_';
    }
    if (at == end || *at != ':' || at == name) return 0;
    field->name = name;
    field->name_size = at - name;
    for (at++; at < end && (*at == ' ' || *at == '\t'); at++) ;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t')) end--;
    if (!is_text(at, end - at)) return 0;
    field->value = at;
    field->value_size = end - at;
    field->told = has_underscore && !heads->underscores ? DROPPED : PASSES;
    if (field->name_size <= MAX_NAME)
        for (int i = heads->first[field->name_size]; i < heads->first[field->name_size + 1]; i++)
            if (!memcmp(heads->name[i], lower, (size_t)field->name_size)) field->told = i;
    return 1;
}

/* All fields from `at` on; 0 if Python has to look. */
static int scan_fields(const Heads *heads, const unsigned char *data, const unsigned char *at,
                       const unsigned char *end, int whole, Scanned *scanned)
{
    scanned->count = scanned->told = 0;
    scanned->block = 0;
    while (at != NULL) { /* until the last line of a whole head had no end of its own */
        const unsigned char *stop = line_end(at, end, whole);
        if (stop == NULL) return 0;
        if (stop == at && !whole) {
            scanned->size = stop + 2 - data;
            return at - 2 - data <= heads->header_bytes;
        }
        if (scanned->count >= MAX_FIELDS || scanned->count >= heads->header_count) return 0;
        Field *field = &scanned->fields[scanned->count++];
        if (!scan_field(heads, at, stop, field)) return 0;
        if (field->told == PASSES || (field->told >= 0 && heads->passes[field->told]))
            scanned->block += 2 + field->name_size + 2 + field->value_size;
        scanned->told += field->told >= 0;
        at = stop == end ? NULL : stop + 2;
    }
    scanned->size = end - data;
    return 1;
}

static unsigned char *put(unsigned char *to, const void *from, Py_ssize_t size)
{
    memcpy(to, from, (size_t)size);
    return to + size;
}

/* The lines that pass, each after a line break. */
static PyObject *block_of(const Heads *heads, const Scanned *scanned)
{
    PyObject *block = PyBytes_FromStringAndSize(NULL, scanned->block);
    if (block == NULL) return NULL;
    unsigned char *to = (unsigned char *)PyBytes_AsString(block);
    for (int i = 0; i < scanned->count; i++) {
        const Field *field = &scanned->fields[i];
        if (field->told == DROPPED || (field->told >= 0 && !heads->passes[field->told])) continue;
        to = put(to, "\r\n", 2);
        to = put(to, field->name, field->name_size);
        to = put(to, ": ", 2);
        to = put(to, field->value, field->value_size);
    }
    return block;
}

/* (index of the name, value) of each field that is told of. */
static PyObject *told_of(const Heads *heads, const Scanned *scanned)
{
    PyObject *told = PyList_New(scanned->told);
    if (told == NULL) return NULL;
    Py_ssize_t at = 0;
    for (int i = 0; i < scanned->count; i++) {
        const Field *field = &scanned->fields[i];
        if (field->told < 0) continue;
        PyObject *pair = PyTuple_New(2);
        PyObject *index = PyLong_FromLong(heads->index[field->told]);
        PyObject *value = PyBytes_FromStringAndSize((const char *)field->value, field->value_size);
        if (pair == NULL || index == NULL || value == NULL) {
            Py_XDECREF(pair);
            Py_XDECREF(index);
            Py_XDECREF(value);
            Py_DECREF(told);
            return NULL;
        }
        PyTuple_SetItem(pair, 0, index);
        PyTuple_SetItem(pair, 1, value);
        PyList_SetItem(told, at++, pair);
    }
    return told;
}

/* A tuple that takes over the references in `items`; NULL, and none is left, if one of them is. */
static PyObject *tuple_of(PyObject **items, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    int bad = tuple == NULL;
    for (Py_ssize_t i = 0; i < count; i++) bad |= items[i] == NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (bad) Py_XDECREF(items[i]);
        else PyTuple_SetItem(tuple, i, items[i]);
    }
    if (!bad) return tuple;
    Py_XDECREF(tuple);
    return NULL;
}

static const unsigned char *arguments(PyObject *const *args, Py_ssize_t count, const unsigned char **end, int *whole)
{
    char *data;
    Py_ssize_t size;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "bytes and whether they are one whole head are wanted");
        return NULL;
    }
    if (PyBytes_AsStringAndSize(args[0], &data, &size) < 0) return NULL;
    if ((*whole = PyObject_IsTrue(args[1])) < 0) return NULL;
    *end = (const unsigned char *)data + size;
    return (const unsigned char *)data;
}

static PyObject *heads_request(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    const Heads *heads = (const Heads *)self;
    const unsigned char *end, *data;
    int whole;
    Scanned scanned;
    if ((data = arguments(args, count, &end, &whole)) == NULL) return NULL;
    const unsigned char *stop = line_end(data, end, whole);
    if (stop == NULL) Py_RETURN_NONE;
    const unsigned char *space = data;
    while (space < stop && token[*space]) space++;
    if (space == data || space == stop || *space != ' ') Py_RETURN_NONE;
    const unsigned char *target = space + 1;
    const unsigned char *version = memchr(target, ' ', (size_t)(stop - target));
    if (version == NULL || version - target > heads->target_bytes || !is_target(target, version - target))
        Py_RETURN_NONE;
    if (stop - version != 9 || memcmp(version, " HTTP/1.", 8) || (version[8] != '1' && version[8] != '0'))
        Py_RETURN_NONE;
    if (!scan_fields(heads, data, stop == end ? NULL : stop + 2, end, whole, &scanned)) Py_RETURN_NONE;
    PyObject *items[] = {
        PyBytes_FromStringAndSize((const char *)data, space - data),
        PyBytes_FromStringAndSize((const char *)target, version - target),
        PyBool_FromLong(version[8] == '1'),
        block_of(heads, &scanned),
        told_of(heads, &scanned),
        PyLong_FromSsize_t(scanned.size),
    };
    return tuple_of(items, 6);
}

static PyObject *heads_response(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    const Heads *heads = (const Heads *)self;
    const unsigned char *end, *data;
    int whole;
    Scanned scanned;
    if ((data = arguments(args, count, &end, &whole)) == NULL) return NULL;
    const unsigned char *stop = line_end(data, end, whole);
    if (stop == NULL) Py_RETURN_NONE;
    if (!scan_fields(heads, data, stop == end ? NULL : stop + 2, end, whole, &scanned)) Py_RETURN_NONE;
    PyObject *items[] = {
        PyBytes_FromStringAndSize((const char *)data, stop - data),
        block_of(heads, &scanned),
        told_of(heads, &scanned),
        PyLong_FromSsize_t(scanned.size),
    };
    return tuple_of(items, 4);
}

/* Take the names in, sorted by their size. */
static int take_names(Heads *heads, PyObject *names)
{
    Py_ssize_t count = PyTuple_Size(names);
    if (count > MAX_NAMES) {
        PyErr_SetString(PyExc_ValueError, "too many names");
        return -1;
    }
    for (Py_ssize_t size = 0; size <= MAX_NAME; size++) {
        heads->first[size] = heads->names;
        for (Py_ssize_t i = 0; i < count; i++) {
            const char *name;
            Py_ssize_t length;
            int passes;
            if (!PyArg_ParseTuple(PyTuple_GetItem(names, i), "y#p", &name, &length, &passes)) return -1;
            if (length < 1 || length > MAX_NAME) {
                PyErr_SetString(PyExc_ValueError, "a name has 1 to 32 bytes");
                return -1;
            }
            if (length != size) continue;
            memcpy(heads->name[heads->names], name, (size_t)length);
            heads->index[heads->names] = (int)i;
            heads->passes[heads->names++] = passes;
        }
    }
    heads->first[MAX_NAME + 1] = heads->names;
    return 0;
}

static PyObject *heads_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *known[] = {"names", "underscores", "header_bytes", "target_bytes", "header_count", NULL};
    PyObject *names;
    int underscores;
    Py_ssize_t header_bytes, target_bytes, header_count;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!pnnn:Heads", known, &PyTuple_Type, &names, &underscores,
                                     &header_bytes, &target_bytes, &header_count))
        return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Heads *heads = (Heads *)allocate(type, 0); /* all zero */
    if (heads == NULL) return NULL;
    heads->underscores = underscores;
    heads->header_bytes = header_bytes;
    heads->target_bytes = target_bytes;
    heads->header_count = header_count;
    if (take_names(heads, names) < 0) {
        Py_DECREF(heads);
        return NULL;
    }
    return (PyObject *)heads;
}

static void heads_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"request", (PyCFunction)(void (*)(void))heads_request, METH_FASTCALL,
     "request(data, whole, /): the first request's head in data, taken apart; None if Python has to look at it."},
    {"response", (PyCFunction)(void (*)(void))heads_response, METH_FASTCALL,
     "response(data, whole, /): the first response's head in data, taken apart; None if Python has to look at it."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, heads_new},
    {Py_tp_dealloc, heads_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "Takes heads of one direction apart; names are the fields that are told of, and whether they pass."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "lb.http._heads.Heads",
    .basicsize = sizeof(Heads),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_heads",
    .m_doc = "HTTP/1.1 heads taken apart, for those that have nothing unusual.",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit__heads(void)
{
    make_token_table();
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) return NULL;
    PyObject *type = PyType_FromSpec(&spec);
    if (type == NULL || PyModule_AddObjectRef(module, "Heads", type) < 0) {
        Py_XDECREF(type);
        Py_DECREF(module);
        return NULL;
    }
    Py_DECREF(type);
    return module;
}
