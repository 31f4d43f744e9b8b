#pragma once
// Keep the 1.10 signatures when a newer libhdf5 is installed.
#define H5_USE_110_API 1
#include <hdf5.h>

// HDF5's predefined identifiers are macros that first open the library, and its versioned functions are
// macros too; Swift imports neither, so each one we use has an accessor here.

static inline hid_t chdf5_f32(void) { return H5T_IEEE_F32LE; }
static inline hid_t chdf5_f64(void) { return H5T_IEEE_F64LE; }
static inline hid_t chdf5_i64(void) { return H5T_STD_I64LE; }
static inline hid_t chdf5_i32(void) { return H5T_STD_I32LE; }
static inline hid_t chdf5_i8(void) { return H5T_STD_I8LE; }
static inline hid_t chdf5_u16(void) { return H5T_STD_U16LE; }
static inline hid_t chdf5_u8(void) { return H5T_STD_U8LE; }
static inline hid_t chdf5_c_string(void) { return H5T_C_S1; }

static inline hid_t chdf5_default(void) { return H5P_DEFAULT; }
static inline hid_t chdf5_whole_space(void) { return H5S_ALL; }
static inline hid_t chdf5_file_creation(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_group_creation(void) { return H5P_GROUP_CREATE; }
static inline hid_t chdf5_dataset_creation(void) { return H5P_DATASET_CREATE; }
static inline hid_t chdf5_link_creation(void) { return H5P_LINK_CREATE; }
static inline hid_t chdf5_attribute_creation(void) { return H5P_ATTRIBUTE_CREATE; }

static inline unsigned chdf5_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned chdf5_read_only(void) { return H5F_ACC_RDONLY; }

static inline hid_t chdf5_error_stack(void) { return H5E_DEFAULT; }

/// Kind and address of an object; the address tells whether two links lead to the same object.
static inline herr_t chdf5_object(hid_t object, H5O_type_t *kind, haddr_t *address) {
    H5O_info_t info;
    herr_t status = H5Oget_info(object, &info);
    if (status >= 0) {
        *kind = info.type;
        *address = info.addr;
    }
    return status;
}

/// Calls `visit` with the name of each link of a group.
static inline herr_t chdf5_visit_links(hid_t group, H5L_iterate_t visit, void *data) {
    return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, visit, data);
}

/// Calls `visit` with the name of each attribute of an object.
static inline herr_t chdf5_visit_attributes(hid_t object, H5A_operator2_t visit, void *data) {
    return H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit, data);
}
