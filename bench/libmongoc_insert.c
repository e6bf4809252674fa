/* Inserts documents that are encoded beforehand by libmongoc, as fast as it can: the outer limit of
 * bench/ingest.py, which compiles this where pkg-config knows libmongoc.
 *
 *     libmongoc_insert URI DATABASE COLLECTION FILE BATCH
 *
 * FILE holds BSON documents one behind the other. Prints the seconds, and those of CPU. */
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;

    if (file == NULL) return NULL;
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    data = malloc(*size);
    if (data != NULL && fread(data, 1, *size, file) != *size) data = NULL;
    fclose(file);
    return data;
}

static int insert(mongoc_collection_t *collection, const uint8_t *data, size_t size, int batch)
{
    bson_t *documents = calloc((size_t)batch, sizeof *documents);
    const bson_t **pointers = calloc((size_t)batch, sizeof *pointers);
    bson_t options = BSON_INITIALIZER;
    size_t at = 0;

    BSON_APPEND_BOOL(&options, "ordered", false);
    while (at < size) {
        bson_error_t error;
        int count = 0;

        while (at < size && count < batch) {
            int32_t length;

            memcpy(&length, data + at, 4);
            if (!bson_init_static(&documents[count], data + at, (size_t)length)) return -1;
            pointers[count] = &documents[count];
            count++;
            at += (size_t)length;
        }
        if (!mongoc_collection_insert_many(collection, pointers, (size_t)count, &options, NULL,
                                           &error)) {
            fprintf(stderr, "%s\n", error.message);
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    mongoc_client_t *client;
    mongoc_collection_t *collection;
    double wall, cpu;
    uint8_t *data;
    size_t size;

    if (argc != 6 || (data = read_file(argv[4], &size)) == NULL) return 2;
    mongoc_init();
    client = mongoc_client_new(argv[1]);
    collection = mongoc_client_get_collection(client, argv[2], argv[3]);
    wall = seconds(CLOCK_MONOTONIC);
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (insert(collection, data, size, atoi(argv[5])) < 0) return 1;
    printf("%.6f %.6f\n", seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    mongoc_collection_destroy(collection);
    mongoc_client_destroy(client);
    mongoc_cleanup();
    return 0;
}
