import CHDF5

/// Writes a state tree into a new HDF5 file.
///
/// Nothing but the tree enters the file: no times, no padding.
struct HDF5Writer {
    private let types = HDF5Types()
    private let file: hid_t
    private let groupCreation: hid_t
    private let datasetCreation: hid_t
    private let linkCreation: hid_t
    private let attributeCreation: hid_t

    /// Writes `tree` through the file access list `access`, and closes file and list.
    static func write(_ tree: StateTree, access: hid_t) throws {
        defer { H5Pclose(access) }
        let fileCreation = H5Pcreate(chdf5_file_creation())
        defer { H5Pclose(fileCreation) }
        HDF5Writer.keepInHeader(fileCreation)
        let file = try HDF5Library.opened(
            H5Fcreate("state", chdf5_truncate(), fileCreation, access), "create")
        let writer = HDF5Writer(file: file)
        do {
            defer { writer.close() }
            try writer.write(tree)
        } catch {
            H5Fclose(file)
            throw error
        }
        try HDF5Library.succeeded(H5Fclose(file), "close")
    }

    private init(file: hid_t) {
        self.file = file
        groupCreation = H5Pcreate(chdf5_group_creation())
        HDF5Writer.keepInHeader(groupCreation)
        datasetCreation = H5Pcreate(chdf5_dataset_creation())
        H5Pset_layout(datasetCreation, H5D_CONTIGUOUS)
        H5Pset_fill_time(datasetCreation, H5D_FILL_TIME_NEVER)
        H5Pset_obj_track_times(datasetCreation, false)
        linkCreation = H5Pcreate(chdf5_link_creation())
        H5Pset_char_encoding(linkCreation, H5T_CSET_UTF8)
        attributeCreation = H5Pcreate(chdf5_attribute_creation())
        H5Pset_char_encoding(attributeCreation, H5T_CSET_UTF8)
    }

    /// Links and scalars that a group keeps in its object header, which carries a checksum.
    ///
    /// The heaps that larger groups use carry none, and libhdf5 1.10.8 can crash on damaged ones; but headers
    /// cost O(n²).
    private static let headerCapacity: UInt32 = 1_024

    private static func keepInHeader(_ groupCreation: hid_t) {
        H5Pset_obj_track_times(groupCreation, false)
        H5Pset_link_phase_change(groupCreation, headerCapacity, headerCapacity / 2)
        H5Pset_attr_phase_change(groupCreation, headerCapacity, headerCapacity / 2)
    }

    private func close() {
        types.close()
        for list in [groupCreation, datasetCreation, linkCreation, attributeCreation] { H5Pclose(list) }
    }

    private func write(_ tree: StateTree) throws {
        var groups: Set<String> = []
        for path in tree.paths {
            for group in StateTree.groups(of: path) where groups.insert(group).inserted {
                let id = try HDF5Library.opened(
                    H5Gcreate2(file, group, linkCreation, groupCreation, chdf5_default()), "create group",
                    group)
                H5Gclose(id)
            }
            guard let value = tree[path] else { continue }
            switch value {
            case .array(let array): try writeArray(array, path)
            case .text(let text): try writeText(text, path)
            case .real(var number): try writeAttribute(path, chdf5_f64(), &number)
            case .integer(var number): try writeAttribute(path, chdf5_i64(), &number)
            case .flag(let flag):
                var byte: Int8 = flag ? 1 : 0
                try writeAttribute(path, types.flag, &byte)
            }
        }
    }

    private func writeArray(_ array: StateArray, _ path: String) throws {
        let extents = array.shape.map { hsize_t($0) }
        let space = try HDF5Library.opened(
            extents.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(extents.count), extents, nil),
            "describe shape \(array.shape) of", path)
        defer { H5Sclose(space) }
        try writeDataset(
            path, types.stored(array.type), space, array.bytes, isBrainFloat: array.type == .bf16)
    }

    private func writeText(_ text: String, _ path: String) throws {
        if text.utf8.contains(0) {
            throw HDF5Error(operation: "write text", path: path, reason: "it contains a NUL character")
        }
        let space = H5Screate(H5S_SCALAR)
        defer { H5Sclose(space) }
        let type = HDF5Types.text(count: text.utf8.count)
        defer { H5Tclose(type) }
        try writeDataset(path, type, space, text.isEmpty ? [0] : Array(text.utf8))
    }

    private func writeDataset(
        _ path: String, _ type: hid_t, _ space: hid_t, _ bytes: [UInt8], isBrainFloat: Bool = false
    ) throws {
        let dataset = try HDF5Library.opened(
            H5Dcreate2(file, path, type, space, linkCreation, datasetCreation, chdf5_default()),
            "create dataset", path)
        defer { H5Dclose(dataset) }
        if !bytes.isEmpty {
            let whole = chdf5_whole_space()
            let status = H5Dwrite(dataset, type, whole, whole, chdf5_default(), bytes)
            try HDF5Library.succeeded(status, "write dataset", path)
        }
        if isBrainFloat {
            var mark: Int8 = 1
            try writeAttribute(HDF5Types.brainFloatMark, on: dataset, types.flag, &mark, path)
        }
    }

    /// Writes the scalar at `path` as an attribute of the group that contains it.
    private func writeAttribute(_ path: String, _ type: hid_t, _ value: UnsafeRawPointer) throws {
        let group = StateTree.groups(of: path).last ?? "/"
        let owner = try HDF5Library.opened(H5Gopen2(file, group, chdf5_default()), "open group", group)
        defer { H5Gclose(owner) }
        try writeAttribute(String(path.split(separator: "/").last ?? ""), on: owner, type, value, path)
    }

    private func writeAttribute(
        _ name: String, on owner: hid_t, _ type: hid_t, _ value: UnsafeRawPointer, _ path: String
    ) throws {
        let space = H5Screate(H5S_SCALAR)
        defer { H5Sclose(space) }
        let attribute = try HDF5Library.opened(
            H5Acreate2(owner, name, type, space, attributeCreation, chdf5_default()), "create attribute", path
        )
        defer { H5Aclose(attribute) }
        try HDF5Library.succeeded(H5Awrite(attribute, type, value), "write attribute", path)
    }
}
