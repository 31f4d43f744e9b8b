import CHDF5

/// Reads a state tree from an open HDF5 file and refuses all that `HDF5Writer` does not write, so that a
/// damaged file can neither lead in circles, nor to other files, nor to more memory than it has bytes itself.
struct HDF5Reader {
    private let types = HDF5Types()
    private let file: hid_t
    private var tree = StateTree()
    private var pendingGroups = [""]
    private var visited: Set<haddr_t> = []
    private var bytesLeft: Int

    init(file: hid_t, byteLimit: Int) {
        self.file = file
        bytesLeft = byteLimit
    }

    /// Reads the whole tree of the file; call once.
    mutating func read() throws -> StateTree {
        defer { types.close() }
        while let path = pendingGroups.popLast() {
            let group = try HDF5Library.opened(
                H5Oopen(file, path.isEmpty ? "/" : path, chdf5_default()), "open group", path)
            defer { H5Oclose(group) }
            if path.isEmpty { _ = try kindOnFirstVisit(group, path) }
            try readScalars(of: group, path)
            try readLinks(of: group, path)
        }
        return tree
    }

    private mutating func readLinks(of group: hid_t, _ path: String) throws {
        for link in try links(of: group, path) {
            let child = path.isEmpty ? link.name : "\(path)/\(link.name)"
            try refuseUnusable(child, name: link.name)
            guard link.isHard else { throw damaged("open", child, "it is a link to elsewhere") }
            let object = try HDF5Library.opened(H5Oopen(group, link.name, chdf5_default()), "open", child)
            defer { H5Oclose(object) }
            switch try kindOnFirstVisit(object, child) {
            case H5O_TYPE_GROUP: pendingGroups.append(child)
            case H5O_TYPE_DATASET: tree[child] = try value(of: object, child)
            default: throw damaged("open", child, "it is neither a group nor a dataset")
            }
        }
    }

    private mutating func readScalars(of group: hid_t, _ path: String) throws {
        for name in try attributeNames(of: group, path) {
            let child = path.isEmpty ? name : "\(path)/\(name)"
            try refuseUnusable(child, name: name)
            tree[child] = try scalar(named: name, of: group, child)
        }
    }

    private func refuseUnusable(_ path: String, name: String) throws {
        if name.utf8.contains(UInt8(ascii: "/")) { throw damaged("read", path, "its name contains '/'") }
        if let objection = tree.objection(to: path) { throw damaged("read", path, "the path \(objection)") }
        if tree[path] != nil { throw damaged("read", path, "the path occurs twice") }
    }

    /// The kind of an object that no other link has led to.
    private mutating func kindOnFirstVisit(_ object: hid_t, _ path: String) throws -> H5O_type_t {
        var kind = H5O_TYPE_UNKNOWN
        var address: haddr_t = 0
        try HDF5Library.succeeded(chdf5_object(object, &kind, &address), "inspect", path)
        guard visited.insert(address).inserted else { throw damaged("open", path, "it has two paths") }
        return kind
    }

    private mutating func value(of dataset: hid_t, _ path: String) throws -> StateValue {
        let shape = try shape(of: dataset, path)
        let stored = try HDF5Library.opened(H5Dget_type(dataset), "read type of", path)
        defer { H5Tclose(stored) }
        if let type = types.elementType(of: stored) {
            if type == .bf16 { try requireBrainFloatMark(on: dataset, path) }
            let size = StateArray.byteCount(type: type, shape: shape)
            let bytes = try contents(of: dataset, types.stored(type), size, path)
            return .array(StateArray(type: type, shape: shape, bytes: bytes))
        }
        let size = H5Tget_size(stored)
        let textType = HDF5Types.text(count: size)
        defer { H5Tclose(textType) }
        guard H5Tequal(stored, textType) > 0, shape.isEmpty else {
            throw damaged(
                "read dataset", path, "it is neither text nor of \(ElementType.allCases.map(\.rawValue))")
        }
        let bytes = try contents(of: dataset, textType, size, path)
        guard let text = String(validating: bytes == [0] ? [] : bytes, as: UTF8.self) else {
            throw damaged("read dataset", path, "it is not UTF-8")
        }
        return .text(text)
    }

    /// The raw bytes of a dataset, of which `size` must be there.
    private mutating func contents(of dataset: hid_t, _ type: hid_t, _ size: Int?, _ path: String) throws
        -> [UInt8]
    {
        let layout = H5Dget_create_plist(dataset)
        defer { H5Pclose(layout) }
        guard H5Pget_layout(layout) == H5D_CONTIGUOUS, H5Pget_external_count(layout) == 0 else {
            throw damaged("read dataset", path, "it is not stored in one piece in this file")
        }
        guard let size, size <= bytesLeft else {
            throw damaged("read dataset", path, "it is larger than the file")
        }
        bytesLeft -= size
        var bytes = [UInt8](repeating: 0, count: size)
        if size > 0 {
            let whole = chdf5_whole_space()
            let status = H5Dread(dataset, type, whole, whole, chdf5_default(), &bytes)
            try HDF5Library.succeeded(status, "read dataset", path)
        }
        return bytes
    }

    private func shape(of dataset: hid_t, _ path: String) throws -> [Int] {
        let space = try HDF5Library.opened(H5Dget_space(dataset), "read shape of", path)
        defer { H5Sclose(space) }
        let rank = H5Sget_simple_extent_ndims(space)
        guard H5Sget_simple_extent_type(space) != H5S_NULL, (0...H5S_MAX_RANK).contains(rank) else {
            throw damaged("read shape of", path, "it has none")
        }
        var extents = [hsize_t](repeating: 0, count: Int(rank))
        try HDF5Library.succeeded(H5Sget_simple_extent_dims(space, &extents, nil), "read shape of", path)
        return try extents.map {
            guard let extent = Int(exactly: $0) else {
                throw damaged("read shape of", path, "\($0) is too large")
            }
            return extent
        }
    }

    private func requireBrainFloatMark(on dataset: hid_t, _ path: String) throws {
        let mark = HDF5Types.brainFloatMark
        guard try attributeNames(of: dataset, path).contains(mark),
            try scalar(named: mark, of: dataset, path) == .flag(true)
        else { throw damaged("read dataset", path, "it holds uint16 without the attribute \(mark)") }
    }

    private func scalar(named name: String, of owner: hid_t, _ path: String) throws -> StateValue {
        let attribute = try HDF5Library.opened(H5Aopen(owner, name, chdf5_default()), "open attribute", path)
        defer { H5Aclose(attribute) }
        let space = try HDF5Library.opened(H5Aget_space(attribute), "read attribute", path)
        defer { H5Sclose(space) }
        let type = try HDF5Library.opened(H5Aget_type(attribute), "read attribute", path)
        defer { H5Tclose(type) }
        guard H5Sget_simple_extent_type(space) == H5S_SCALAR else {
            throw damaged("read attribute", path, "it is not a scalar")
        }
        if H5Tequal(type, chdf5_f64()) > 0 {
            return .real(try number(attribute, type, Double(0), path))
        } else if H5Tequal(type, chdf5_i64()) > 0 {
            return .integer(try number(attribute, type, Int64(0), path))
        } else if H5Tequal(type, types.flag) > 0 {
            return .flag(try number(attribute, type, Int8(0), path) != 0)
        }
        throw damaged("read attribute", path, "it is neither int64, float64 nor bool")
    }

    private func number<Number: BitwiseCopyable>(
        _ attribute: hid_t, _ type: hid_t, _ zero: Number, _ path: String
    ) throws -> Number {
        var value = zero
        try HDF5Library.succeeded(H5Aread(attribute, type, &value), "read attribute", path)
        return value
    }

    private func damaged(_ operation: String, _ path: String, _ reason: String) -> HDF5Error {
        HDF5Error(operation: operation, path: path, reason: reason)
    }
}

// MARK: - Names

extension HDF5Reader {
    private struct Link {
        let name: String
        let isHard: Bool
    }

    /// The links of a group.
    ///
    /// A name that is not UTF-8 is an error.
    private func links(of group: hid_t, _ path: String) throws -> [Link] {
        var links: [Link] = []
        let status = withUnsafeMutablePointer(to: &links) { found in
            chdf5_visit_links(
                group,
                { _, name, info, found in
                    guard let name, let info, let name = String(validatingCString: name) else { return -1 }
                    let link = Link(name: name, isHard: info.pointee.type == H5L_TYPE_HARD)
                    found?.assumingMemoryBound(to: [Link].self).pointee.append(link)
                    return 0
                }, found)
        }
        try HDF5Library.succeeded(status, "list", path)
        return links
    }

    /// The names of an object's attributes.
    ///
    /// A name that is not UTF-8 is an error.
    private func attributeNames(of object: hid_t, _ path: String) throws -> [String] {
        var names: [String] = []
        let status = withUnsafeMutablePointer(to: &names) { found in
            chdf5_visit_attributes(
                object,
                { _, name, _, found in
                    guard let name, let name = String(validatingCString: name) else { return -1 }
                    found?.assumingMemoryBound(to: [String].self).pointee.append(name)
                    return 0
                }, found)
        }
        try HDF5Library.succeeded(status, "list attributes of", path)
        return names
    }
}
