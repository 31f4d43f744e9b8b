import Synchronization
import TensorCore

/// The terms one rank contributes to the sum of one tensor; nothing is copied.
struct Terms: Sendable {
    let name: String
    /// Elements of the tensor.
    let count: Int
    /// f32 or f64.
    let dtype: DType
    private(set) var values: [Tensor] = []

    init(name: String, count: Int, dtype: DType) {
        self.name = name
        self.count = count
        self.dtype = dtype
    }

    mutating func add(_ term: Tensor) {
        precondition(
            term.elementCount == count,
            "ExactSum: \(term.elementCount) elements for \(name), expected \(count)")
        values.append(term.detached)
    }

    mutating func forget() { values.removeAll(keepingCapacity: true) }
}

/// Tensors of these lengths one after another in a flat array.
struct FlatLayout: Sendable {
    /// Where each lies.
    let slots: [Range<Int>]

    init(_ counts: [Int]) { slots = counts.consecutiveRanges }

    /// Elements of all tensors.
    var count: Int { slots.last?.upperBound ?? 0 }

    /// Takes all elements once, parts of tensors at a time, on all threads.
    ///
    /// - Parameter body: gets a tensor and a range of its elements, short enough to stay in the cache.
    func forEachPart(_ body: @Sendable (_ tensor: Int, _ elements: Range<Int>) -> Void) {
        let partLength = 1 << 11
        Parallel.ranges(count, grain: 16 * partLength) { range in
            for (tensor, slot) in slots.enumerated() where slot.overlaps(range) {
                let own = slot.clamped(to: range)
                for start in stride(from: own.lowerBound, to: own.upperBound, by: partLength) {
                    let end = min(start + partLength, own.upperBound)
                    body(tensor, start - slot.lowerBound..<end - slot.lowerBound)
                }
            }
        }
    }
}

/// Fixed-point sums of all tensors, in the allocator's memory: every step needs as much.
struct FixedPointSums: Sendable {
    private let layout: FlatLayout
    /// The exponent k of each tensor's unit 2^-k.
    private let exponents: [Int]
    private let storage: Storage

    /// Sums this rank's terms.
    init(_ tensors: [Terms], _ layout: FlatLayout, exponents: [Int]) {
        self.layout = layout
        self.exponents = exponents
        storage = Device.cpu.backend.allocate(byteCount: layout.count * MemoryLayout<Int64>.stride)
        layout.forEachPart { [self] tensor, elements in
            let sum = start(of: tensor, elements)
            sum.update(repeating: 0, count: elements.count)
            for term in tensors[tensor].values {
                FixedPoint.accumulate(term, elements, exponent: exponents[tensor], into: sum)
            }
        }
    }

    /// Adds the sums of all ranks.
    func reduce(over communicator: any Communicator) throws {
        try withExtendedLifetime(storage) {
            let whole = UnsafeMutableBufferPointer(
                start: storage.pointer.assumingMemoryBound(to: Int64.self), count: layout.count)
            try communicator.allReduce(whole, .sum)
        }
    }

    /// The sums, each rounded once: `[count]` in the type of its terms.
    func rounded(_ tensors: [Terms]) -> [Tensor] {
        let sums = tensors.map { Tensor(empty: [$0.count], dtype: $0.dtype, device: .cpu) }
        layout.forEachPart { tensor, elements in
            FixedPoint.round(
                start(of: tensor, elements), exponent: exponents[tensor], into: sums[tensor], elements)
        }
        return sums
    }

    private func start(of tensor: Int, _ elements: Range<Int>) -> UnsafeMutablePointer<Int64> {
        storage.pointer.assumingMemoryBound(to: Int64.self)
            + layout.slots[tensor].lowerBound + elements.lowerBound
    }
}

extension FlatLayout {
    /// max |x| of each tensor over its terms; infinite where one of them holds NaN or infinity.
    func magnitudes(_ tensors: [Terms]) -> [Double] {
        let largest = Mutex([Double](repeating: 0, count: slots.count))
        forEachPart { tensor, elements in
            let found = tensors[tensor].values.reduce(0) {
                max($0, FixedPoint.maxMagnitude($1, elements) ?? .infinity)
            }
            largest.withLock { $0[tensor] = max($0[tensor], found) }
        }
        return largest.withLock { $0 }
    }
}
