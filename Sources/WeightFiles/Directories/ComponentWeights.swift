import Foundation
import TensorCore

/// The tensors of one component under their canonical names, over one or several files.
public struct ComponentWeights: Sendable {
    /// The file, or the index of the shards.
    public let path: String
    private let places: [String: Place]
    private let naming: WeightNaming

    /// One stored tensor.
    fileprivate struct Place: Sendable {
        let file: String
        let name: String
        let shape: Shape
        /// As the file spells it.
        let type: String
        let isFloatingPoint: Bool
        let tensor: @Sendable (DType?) throws -> Tensor
    }

    /// - Parameter file: a safetensors file.
    public init(file: String, naming: WeightNaming = .plain) throws {
        try self.init(path: file, files: [try SafetensorsFile(path: file)], naming: naming)
    }

    /// - Parameter index: a `*.safetensors.index.json`, with the shards beside it.
    public init(index: String, naming: WeightNaming = .plain) throws {
        let shards = try ShardIndex(path: index).open()
        try self.init(path: index, files: shards, naming: naming)
    }

    /// - Parameter archive: a state dictionary of PyTorch.
    public init(archive: TorchArchive, naming: WeightNaming = .plain) throws {
        let stored = archive.tensors.sorted { $0.key < $1.key }
        try self.init(
            path: archive.path, stored: stored.map { Place(path: archive.path, $0.key, $0.value) },
            naming: naming)
    }

    private init(path: String, files: [SafetensorsFile], naming: WeightNaming) throws {
        try self.init(
            path: path, stored: files.flatMap { file in file.entries.map { Place(file, $0) } }, naming: naming
        )
    }

    private init(path: String, stored: [Place], naming: WeightNaming) throws {
        var places: [String: Place] = [:]
        for place in stored {
            let name = naming.canonical(place.name)
            if naming.isForeign(name) { continue }
            if let first = places.updateValue(place, forKey: name) {
                throw ModelFilesError.invalid(
                    path: path,
                    reason:
                        "\(name) is stored twice, as \(first.name) in \(first.file) and as \(place.name) in "
                        + "\(place.file)")
            }
        }
        self.path = path
        self.places = places
        self.naming = naming
    }

    /// Canonical names, sorted.
    public var names: [String] { places.keys.sorted() }

    /// The shape in which a tensor is stored.
    public func shape(of name: String) -> Shape? { places[name]?.shape }

    /// The tensors of a model, all of them and no others.
    ///
    /// Tensors that safetensors hold in `dtype` are views of the mapped file.
    ///
    /// - Parameters:
    ///   - expected: names and shapes of the model's weights.
    ///   - dtype: the type to convert to; nil keeps the stored one.
    /// - Throws: `ModelFilesError.mismatch` with everything that is missing, unexpected, of another shape or type,
    ///   or not finite.
    public func load(_ expected: [(name: String, shape: Shape)], as dtype: DType?) throws -> [String: Tensor]
    {
        try check(expected)
        let tensors = try Parallel.map(expected.count) { index in
            let (name, shape) = expected[index]
            let tensor = try tensor(name, as: dtype, shape: shape)
            return FixedPoint.maxMagnitude(tensor, 0..<tensor.elementCount) == nil ? nil : tensor
        }
        var mismatch = WeightMismatch(path: path)
        mismatch.nonFinite = zip(expected, tensors).filter { $0.1 == nil }.map(\.0.name)
        guard mismatch.isEmpty else { throw ModelFilesError.mismatch(mismatch) }
        return Dictionary(
            zip(expected.map(\.name), tensors.compactMap { $0 }), uniquingKeysWith: { $1 })
    }

    private func tensor(_ name: String, as dtype: DType?, shape: Shape) throws -> Tensor {
        guard let place = places[name] else {
            throw SafetensorsError.missingTensor(file: path, tensor: name, available: names)
        }
        return try place.tensor(dtype).reshaped(shape.dimensions)
    }

    private func check(_ expected: [(name: String, shape: Shape)]) throws {
        var mismatch = WeightMismatch(path: path)
        for (name, shape) in expected {
            guard let place = places[name] else {
                mismatch.missing.append(name)
                continue
            }
            if !fits(place.shape, shape, name) {
                mismatch.misshaped.append("\(name) (expected \(shape), found \(place.shape))")
            }
            if !place.isFloatingPoint { mismatch.mistyped.append("\(name) (\(place.type))") }
        }
        mismatch.unexpected = Set(places.keys).subtracting(expected.map(\.name)).sorted()
        guard mismatch.isEmpty else { throw ModelFilesError.mismatch(mismatch) }
    }

    private func fits(_ stored: Shape, _ expected: Shape, _ name: String) -> Bool {
        let isPointwise = expected.rank == 2 && naming.isPointwise(name)
        return stored == expected || isPointwise && stored == Shape(expected.dimensions + [1, 1])
    }
}

extension ComponentWeights.Place {
    init(_ file: SafetensorsFile, _ entry: SafetensorsEntry) {
        (self.file, name, shape, type) = (file.path, entry.name, entry.shape, entry.type.rawValue)
        isFloatingPoint = ![nil, .int32].contains(entry.type.dtype)
        tensor = { try file.tensor(entry.name, as: $0) }
    }

    init(path: String, _ name: String, _ tensor: Tensor) {
        (file, self.name, shape, type) = (path, name, tensor.shape, tensor.dtype.name)
        isFloatingPoint = tensor.dtype != .int32
        self.tensor = { tensor.cast(to: $0 ?? tensor.dtype) }
    }
}
