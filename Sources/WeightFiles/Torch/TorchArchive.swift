import TensorCore

/// A tensor as PyTorch describes it: a strided view of a storage.
struct TorchTensor {
    let storage: PickleReader.Storage
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}

/// The tensors of a `.pt` or `.pth` file, as `torch.save` writes state dictionaries since PyTorch 1.6.
///
/// Nothing in the file is run: a pickle that asks for more than tensors and dictionaries is refused.
public struct TorchArchive: Sendable {
    public let path: String
    /// By the keys of nested dictionaries, with dots between: `state_dict.visual.proj`.
    public let tensors: [String: Tensor]

    public init(path: String) throws {
        let mapping = try MappedFile(path: path)
        let reader = ByteReader(bytes: mapping.bytes, path: path)
        let members = try ZipDirectory(reader).members
        guard let (name, range) = members.first(where: { $0.key.hasSuffix("/data.pkl") }) else {
            throw reader.invalid("it has no data.pkl, which PyTorch's archives have")
        }
        let root = String(name.dropLast("data.pkl".count))
        if let order = members[root + "byteorder"] {
            guard try reader.text(order.lowerBound, count: order.count) == "little" else {
                throw reader.invalid("its numbers are not little-endian")
            }
        }
        var pickle = PickleReader(reader, range: range)
        let content = try pickle.run()
        let loader = StorageLoader(reader: reader, members: members, root: root)
        self.path = path
        tensors = try withExtendedLifetime(mapping) {
            try Self.flattened(content, of: pickle, path: path).mapValues(loader.tensor)
        }
    }

    /// Far above any model's; it keeps deep nesting from costing time.
    private static let longestName = 4096

    /// All tensors in nested dictionaries; each dictionary counts once, wherever it stands.
    private static func flattened(
        _ content: PickleReader.Value, of pickle: PickleReader, path: String
    ) throws -> [String: TorchTensor] {
        var tensors: [String: TorchTensor] = [:]
        var pending: [(prefix: String, value: PickleReader.Value)] = [("", content)]
        var seen: Set<Int> = []
        while let (prefix, value) = pending.popLast() {
            guard prefix.utf8.count <= longestName else {
                throw ModelFilesError.invalid(path: path, reason: "its dictionaries are nested too deep")
            }
            switch value {
            case .tensor(let tensor): tensors[prefix] = tensor
            case .dictionary(let index) where seen.insert(index).inserted:
                for case (.text(let key), let value) in pickle.dictionaries[index] {
                    pending.append((prefix.isEmpty ? key : prefix + "." + key, value))
                }
            default: break
            }
        }
        guard !tensors.isEmpty else {
            throw ModelFilesError.invalid(path: path, reason: "it holds no dictionary of tensors")
        }
        return tensors
    }
}

/// Storages of an archive as tensors.
private struct StorageLoader {
    let reader: ByteReader
    let members: [String: Range<Int>]
    let root: String

    private static let types: [String: DType] = [
        "torch.FloatStorage": .float32, "torch.HalfStorage": .float16, "torch.BFloat16Storage": .bfloat16,
        "torch.DoubleStorage": .float64, "torch.IntStorage": .int32,
    ]

    func tensor(_ description: TorchTensor) throws -> Tensor {
        let storage = description.storage
        guard let dtype = Self.types[storage.type] else {
            throw ModelFilesError.unsupported(
                path: reader.path, what: "a tensor in \(storage.type)", advice: "Convert it to float32.")
        }
        guard let range = members[root + "data/" + storage.key] else {
            throw reader.invalid("storage \(storage.key) is missing")
        }
        let count = range.count / dtype.byteWidth
        let (shape, strides) = (description.shape, description.strides)
        guard fits(description, count: count) else {
            throw reader.invalid("a tensor \(shape) with strides \(strides) does not fit its storage")
        }
        let bytes = try reader.slice(range.lowerBound, count: count * dtype.byteWidth)
        let whole = Tensor(bytes: UnsafeRawBufferPointer(rebasing: bytes), shape: [count], dtype: dtype)
        let result = whole.emptyLike(shape: Shape(shape))
        whole.backend.copyStrided(
            shape: shape, from: whole, offset: description.offset, strides: strides, into: result, offset: 0,
            strides: result.shape.strides)
        return result
    }

    /// Whether every element lies within `count`, and there are no more of them than that.
    private func fits(_ tensor: TorchTensor, count: Int) -> Bool {
        guard tensor.shape.count == tensor.strides.count, tensor.shape.count <= Shape.maximumRank,
            tensor.offset >= 0, (tensor.shape + tensor.strides).allSatisfy({ (0...count).contains($0) })
        else { return false }
        var (elements, last) = (1, tensor.offset)
        for (extent, stride) in zip(tensor.shape, tensor.strides) {
            let (product, overflows) = elements.multipliedReportingOverflow(by: extent)
            let (reach, reachOverflows) = stride.multipliedReportingOverflow(by: max(extent - 1, 0))
            let (sum, sumOverflows) = last.addingReportingOverflow(reach)
            guard !overflows, !reachOverflows, !sumOverflows else { return false }
            (elements, last) = (product, sum)
        }
        return elements == 0 || elements <= count && last < count
    }
}
