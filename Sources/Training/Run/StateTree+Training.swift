import Checkpoints
import Layers
import Rewards
import TensorCore

extension StateTree {
    /// Stores a tensor's elements at `path`, f32 or f64.
    mutating func set(_ tensor: Tensor, at path: String) {
        let shape = tensor.shape.dimensions
        self[path] =
            tensor.dtype == .float64
            ? .array(StateArray(tensor.doubles, shape: shape))
            : .array(StateArray(tensor.floats, shape: shape))
    }

    mutating func set(_ values: [Double], at path: String) { self[path] = .array(StateArray(values)) }

    mutating func set(_ value: Int, at path: String) { self[path] = .integer(Int64(value)) }

    /// The f32 tensor at `path`, of a given shape.
    func tensor(_ path: String, shape: Shape) throws -> Tensor {
        Tensor(try elements(path, as: Float.self, shape: shape.dimensions), shape: shape)
    }

    /// The f32 tensor at `path`, of whatever shape it has.
    func tensor(_ path: String) throws -> Tensor {
        let array = try array(path, type: .f32)
        return Tensor(array.elements(as: Float.self), shape: Shape(array.shape))
    }

    func count(_ path: String) throws -> Int { Int(try integer(path)) }

    mutating func set(_ scales: [RewardScale], at path: String) {
        for (index, scale) in scales.enumerated() {
            set([scale.mean, scale.deviation], at: "\(path)/\(index)")
        }
    }

    func rewardScales(_ path: String, count: Int) throws -> [RewardScale] {
        try (0..<count).map { index in
            let scale = try elements("\(path)/\(index)", as: Double.self, shape: [2])
            return RewardScale(mean: scale[0], deviation: scale[1])
        }
    }

    func doubles(_ path: String) throws -> [Double] { try elements(path, as: Double.self) }
}

/// Something whose future is determined by what it stores in a state tree.
protocol Resumable: AnyObject {
    func save(to tree: inout StateTree, at path: String)
    func restore(from tree: StateTree, at path: String) throws
}

extension Module {
    func save(to tree: inout StateTree, at path: String) {
        for named in namedParameters { tree.set(named.parameter.value.detached, at: "\(path)/\(named.name)") }
    }

    func restore(from tree: StateTree, at path: String) throws {
        for named in namedParameters {
            named.parameter.assign(try tree.tensor("\(path)/\(named.name)", shape: named.parameter.shape))
        }
    }
}

extension AdamW {
    func save(to tree: inout StateTree, at path: String) {
        tree.set(stepCount, at: "\(path)/step")
        for (name, first, second) in state {
            tree.set(first, at: "\(path)/first_moment/\(name)")
            tree.set(second, at: "\(path)/second_moment/\(name)")
        }
    }

    func restore(from tree: StateTree, at path: String) throws {
        let moments = try state.map { name, first, second in
            (
                first: try tree.tensor("\(path)/first_moment/\(name)", shape: first.shape),
                second: try tree.tensor("\(path)/second_moment/\(name)", shape: second.shape)
            )
        }
        restore(moments, stepCount: try tree.count("\(path)/step"))
    }
}

extension DenoisingFit: Resumable {
    func save(to tree: inout StateTree, at path: String) {
        network.save(to: &tree, at: "\(path)/network")
        optimizer.save(to: &tree, at: "\(path)/optimizer")
        tree.set(average.updates, at: "\(path)/average/updates")
        for (named, value) in zip(network.namedParameters, average.values) {
            tree.set(value, at: "\(path)/average/\(named.name)")
        }
    }

    func restore(from tree: StateTree, at path: String) throws {
        try network.restore(from: tree, at: "\(path)/network")
        try optimizer.restore(from: tree, at: "\(path)/optimizer")
        let values = try network.namedParameters.map {
            try tree.tensor("\(path)/average/\($0.name)", shape: $0.parameter.shape)
        }
        average.restore(values, updates: try tree.count("\(path)/average/updates"))
    }
}
