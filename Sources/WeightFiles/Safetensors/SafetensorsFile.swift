import TensorCore

/// A safetensors file, mapped into memory and checked as a whole before anything is read from it.
///
/// Format: https://github.com/huggingface/safetensors. Opening costs the header alone; tensors are views of the
/// mapping and come in from disk as they are touched.
public struct SafetensorsFile: Sendable {
    public let path: String
    public let metadata: [String: String]
    /// All tensors, in the order of their bytes.
    public let entries: [SafetensorsEntry]

    private let byName: [String: Int]
    private let mapping: MappedFile
    private let dataStart: Int

    public init(path: String) throws {
        let mapping = try MappedFile(path: path)
        let header = try SafetensorsHeader(mapping.bytes, file: path)
        self.path = path
        self.metadata = header.metadata
        self.entries = header.entries
        self.byName = Dictionary(
            uniqueKeysWithValues: header.entries.enumerated().map { ($1.name, $0) })
        self.mapping = mapping
        self.dataStart = header.dataStart
    }

    public subscript(name: String) -> SafetensorsEntry? { byName[name].map { entries[$0] } }

    /// A tensor of the file.
    ///
    /// The result is a read-only view of the file where that can be; it is a copy where the element type changes,
    /// where the bytes are misaligned, and where `copying` asks for one (parameters that an optimiser updates in
    /// place). 64-bit integers become `int32`.
    ///
    /// - Parameter dtype: converts to this type; nil keeps the stored one.
    public func tensor(
        _ name: String, as dtype: DType? = nil, copying: Bool = false
    ) throws -> Tensor {
        let entry = try require(name)
        let stored = try inMemory(entry, copying: copying)
        let wanted = dtype ?? stored.dtype
        guard wanted == stored.dtype || wanted != .int32 else {
            throw SafetensorsError.unsupportedType(
                file: path, tensor: name, expected: "integers (I32, I64)", found: entry.type.rawValue)
        }
        return stored.cast(to: wanted)
    }

    /// The bytes of a tensor as they are stored, of whatever type.
    public func withBytes<Result>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let entry = try require(name)
        return try withExtendedLifetime(mapping) { try body(bytes(of: entry)) }
    }

    private func require(_ name: String) throws -> SafetensorsEntry {
        guard let entry = self[name] else {
            throw SafetensorsError.missingTensor(file: path, tensor: name, available: entries.map(\.name))
        }
        return entry
    }

    private func bytes(of entry: SafetensorsEntry) -> UnsafeRawBufferPointer {
        let range = (dataStart + entry.range.lowerBound)..<(dataStart + entry.range.upperBound)
        return UnsafeRawBufferPointer(rebasing: mapping.bytes[range])
    }

    private func inMemory(_ entry: SafetensorsEntry, copying: Bool) throws -> Tensor {
        let bytes = bytes(of: entry)
        switch (entry.type, entry.type.dtype) {
        case (_, let dtype?):
            guard !copying, let view = view(bytes, entry.shape, dtype) else {
                return Tensor(bytes: bytes, shape: entry.shape, dtype: dtype)
            }
            return view
        case (.int64, _):
            return Tensor(indices: try narrowed(bytes, entry), shape: entry.shape)
        default:
            let readable = StoredType.allCases.filter { $0.dtype != nil } + [.int64]
            throw SafetensorsError.unsupportedType(
                file: path, tensor: entry.name,
                expected: readable.map(\.rawValue).joined(separator: ", "), found: entry.type.rawValue)
        }
    }

    /// A tensor over the mapped bytes, or nil if they are misaligned.
    private func view(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, _ dtype: DType) -> Tensor? {
        guard let start = bytes.baseAddress, Int(bitPattern: start) % dtype.byteWidth == 0 else { return nil }
        let storage = Storage(
            pointer: UnsafeMutableRawPointer(mutating: start), byteCount: bytes.count, device: .cpu
        ) { [mapping] _ in withExtendedLifetime(mapping) {} }
        return Tensor(storage: storage, shape: shape, dtype: dtype)
    }

    private func narrowed(
        _ bytes: UnsafeRawBufferPointer, _ entry: SafetensorsEntry
    ) throws -> [Int32] {
        var values: [Int32] = []
        values.reserveCapacity(entry.shape.elementCount)
        for index in 0..<entry.shape.elementCount {
            let value = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self))
            guard let narrow = Int32(exactly: value) else {
                throw SafetensorsError.integerOutOfRange(
                    file: path, tensor: entry.name, index: index, value: value)
            }
            values.append(narrow)
        }
        return values
    }
}
