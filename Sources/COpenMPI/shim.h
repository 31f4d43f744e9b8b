/// MPI for Swift: accessors for what mpi.h defines as macros that Swift cannot import.
#pragma once
#include <mpi.h>
#include <stdbool.h>

static inline MPI_Comm saddle_mpi_world(void) { return MPI_COMM_WORLD; }
static inline void *saddle_mpi_in_place(void) { return MPI_IN_PLACE; }

static inline MPI_Datatype saddle_mpi_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype saddle_mpi_double(void) { return MPI_DOUBLE; }
static inline MPI_Datatype saddle_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Datatype saddle_mpi_uint8(void) { return MPI_UINT8_T; }

static inline MPI_Op saddle_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Op saddle_mpi_min(void) { return MPI_MIN; }
static inline MPI_Op saddle_mpi_max(void) { return MPI_MAX; }
static inline MPI_Op saddle_mpi_bitwise_or(void) { return MPI_BOR; }

static inline bool saddle_mpi_is_initialized(void) {
    int flag = 0;
    return MPI_Initialized(&flag) == MPI_SUCCESS && flag;
}

static inline bool saddle_mpi_is_finalized(void) {
    int flag = 0;
    return MPI_Finalized(&flag) == MPI_SUCCESS && flag;
}

/// MPI_Init_thread asking for MPI_THREAD_SERIALIZED; `*granted` is false where MPI offers less.
static inline int saddle_mpi_init(bool *granted) {
    int provided = MPI_THREAD_SINGLE;
    int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    *granted = provided >= MPI_THREAD_SERIALIZED;
    return code;
}

/// Makes calls on `communicator` return their error codes instead of ending the job.
static inline int saddle_mpi_return_errors(MPI_Comm communicator) {
    return MPI_Comm_set_errhandler(communicator, MPI_ERRORS_RETURN);
}

/// The ranks of `communicator` that share memory with the caller, that is, run on the same machine.
static inline int saddle_mpi_split_by_machine(MPI_Comm communicator, int key, MPI_Comm *group) {
    return MPI_Comm_split_type(communicator, MPI_COMM_TYPE_SHARED, key, MPI_INFO_NULL, group);
}

/// MPI_Recv that checks that exactly `count` bytes came.
static inline int saddle_mpi_receive(void *bytes, int count, int source, int tag, MPI_Comm communicator) {
    MPI_Status status;
    int received = 0;
    int code = MPI_Recv(bytes, count, MPI_BYTE, source, tag, communicator, &status);
    if (code == MPI_SUCCESS) code = MPI_Get_count(&status, MPI_BYTE, &received);
    return code != MPI_SUCCESS || received == count ? code : MPI_ERR_TRUNCATE;
}

/// MPI's text for an error code; `text` has room for `saddle_mpi_text_capacity()` bytes.
static inline int saddle_mpi_text_capacity(void) { return MPI_MAX_ERROR_STRING + 1; }
static inline void saddle_mpi_error_text(int code, char *text) {
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
    text[length] = '\0';
}

/// Room for what MPI_Get_library_version writes.
static inline int saddle_mpi_version_capacity(void) { return MPI_MAX_LIBRARY_VERSION_STRING; }
