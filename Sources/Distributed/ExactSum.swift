import TensorCore

/// Sums over micro-batches and ranks whose bits depend neither on the order of the terms nor on which
/// rank contributes them.
///
/// Every term is rounded to a multiple of one unit per tensor, 2^(e − 42), where 2^e is the power of two
/// above the largest magnitude on any rank; integers add exactly. The error of a sum of n terms is at most
/// n · 2^(e − 43) <= n · 2^-42 · max |x|, before the one rounding to Float or Double. At most
/// `maximumTerms` terms; see docs/distributed.md.
///
/// Terms are kept until `reduce`, because their unit is known only then. They are tensors on the host.
///
///     var sum = ExactSum(floats: [("gradient", 1024)], doubles: [("rewards", 3)])
///     for batch in layout.microBatches(of: rank, count: 16) { sum.add(gradient(batch), to: "gradient") … }
///     let outcome = try sum.reduce(over: communicator)
public struct ExactSum: Sendable {
    /// Terms of one tensor over all ranks: 2^20, each below 2^42 units, stay below 2^62.
    public static let maximumTerms = 1 << 20
    static let termBits = 42

    /// What `reduce` finds, alike on all ranks.
    public enum Outcome: Sendable {
        case sums(Sums)
        /// Some rank contributed NaN or infinity, or a sum exceeds its type: there are no sums.
        case nonFinite(NonFiniteError)

        /// The sums, or the error thrown.
        public func get() throws -> Sums {
            switch self {
            case .sums(let sums): return sums
            case .nonFinite(let error): throw error
            }
        }
    }

    /// Sums by tensor name.
    public struct Sums: Sendable {
        /// f32, each `[count]`.
        public let floatTensors: [String: Tensor]
        /// f64, each `[count]`.
        public let doubleTensors: [String: Tensor]

        public var floats: [String: [Float]] { floatTensors.mapValues(\.floats) }
        public var doubles: [String: [Double]] { doubleTensors.mapValues(\.doubles) }
    }

    /// The floats, then the doubles.
    private var tensors: [Terms]
    private let floatIndex: [String: Int]
    private let doubleIndex: [String: Int]
    private let layout: FlatLayout

    /// Declares the tensors, in the same order on every rank; names are unique within each type.
    public init(
        floats: [(name: String, count: Int)] = [], doubles: [(name: String, count: Int)] = []
    ) {
        tensors =
            floats.map { Terms(name: $0.name, count: $0.count, dtype: .float32) }
            + doubles.map { Terms(name: $0.name, count: $0.count, dtype: .float64) }
        floatIndex = Self.index(floats.map(\.name), from: 0)
        doubleIndex = Self.index(doubles.map(\.name), from: floats.count)
        layout = FlatLayout(tensors.map(\.count))
    }

    /// Adds one term: as many elements as declared, of any shape, f32 or f64; it is kept, not copied.
    public mutating func add(_ term: Tensor, to name: String) {
        let position = position(of: name, term.dtype)
        tensors[position].add(term)
    }

    /// Adds one term, as long as the tensor was declared.
    public mutating func add(_ term: [Float], to name: String) {
        add(Tensor(term, shape: [term.count]), to: name)
    }

    /// Adds one term, as long as the tensor was declared.
    public mutating func add(_ term: [Double], to name: String) {
        add(Tensor(term, shape: [term.count]), to: name)
    }

    /// Sums the terms of all ranks in two all-reduces and forgets them; a tensor without terms sums to 0.
    ///
    /// Errors: `ExactSumError`, alike on all ranks; `CommunicationError`.
    public mutating func reduce(over communicator: any Communicator) throws -> Outcome {
        defer { forget() }
        let survey = try Survey(
            magnitudes: layout.magnitudes(tensors), terms: tensors.map(\.values.count).max() ?? 0,
            over: communicator)
        guard survey.terms <= Self.maximumTerms else {
            throw ExactSumError.tooManyTerms(survey.terms)
        }
        if let error = survey.nonFinite(names: tensors.map(\.name)) { return .nonFinite(error) }

        let fixed = FixedPointSums(
            tensors, layout, exponents: survey.magnitudes.map(Self.exponent(magnitude:)))
        try fixed.reduce(over: communicator)
        return outcome(fixed.rounded(tensors))
    }

    private func outcome(_ sums: [Tensor]) -> Outcome {
        let overflowing = zip(tensors, sums)
            .filter { FixedPoint.maxMagnitude($1, 0..<$1.elementCount) == nil }.map(\.0.name)
        if !overflowing.isEmpty { return .nonFinite(NonFiniteError(tensors: overflowing, sources: [])) }
        return .sums(
            Sums(
                floatTensors: floatIndex.mapValues { sums[$0] },
                doubleTensors: doubleIndex.mapValues { sums[$0] }))
    }

    /// The exponent k of the unit 2^-k of a tensor: magnitude · 2^k < 2^42.
    ///
    /// Held inside ±1000, where 2^k and its inverse are normal doubles: doubles below 2^-958 lose digits.
    static func exponent(magnitude: Double) -> Int {
        guard magnitude > 0 else { return 0 }
        return min(max(termBits - (Int(magnitude.exponent) + 1), -1000), 1000)
    }

    private mutating func forget() {
        for i in tensors.indices { tensors[i].forget() }
    }

    private static func index(_ names: [String], from first: Int) -> [String: Int] {
        Dictionary(
            zip(names, first...),
            uniquingKeysWith: { earlier, later in
                preconditionFailure(
                    "ExactSum: tensors \(earlier) and \(later) are both \(names[later - first])")
            })
    }

    private func position(of name: String, _ dtype: DType) -> Int {
        let index = dtype == .float64 ? doubleIndex : floatIndex
        guard let position = index[name], tensors[position].dtype == dtype else {
            preconditionFailure(
                "ExactSum: no tensor \(name) of \(dtype.name), expected one of \(index.keys.sorted())")
        }
        return position
    }
}

/// A sum that was not computed.
public enum ExactSumError: AgreedError, Equatable {
    case tooManyTerms(Int)

    public var reportingRank: Int { 0 }

    public var description: String {
        switch self {
        case .tooManyTerms(let count):
            "\(count) terms in one exact sum, at most \(ExactSum.maximumTerms) fit; use larger micro-batches"
        }
    }
}
