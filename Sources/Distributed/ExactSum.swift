/// Sums over micro-batches and ranks whose bits depend neither on the order of the terms nor on which
/// rank contributes them.
///
/// Every term is rounded to a multiple of one unit per tensor, 2^(e − 42), where 2^e is the power of two
/// above the largest magnitude on any rank; integers add exactly. The error of a sum of n terms is at most
/// n · 2^(e − 43) <= n · 2^-42 · max |x|, before the one rounding to Float or Double. At most
/// `maximumTerms` terms; see docs/distributed.md.
///
/// Terms are kept until `reduce`, because their unit is known only then.
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
        public let floats: [String: [Float]]
        public let doubles: [String: [Double]]
    }

    private var floats: [Terms<Float>]
    private var doubles: [Terms<Double>]
    private let floatIndex: [String: Int]
    private let doubleIndex: [String: Int]

    /// Declares the tensors, in the same order on every rank; names are unique within each type.
    public init(
        floats: [(name: String, count: Int)] = [], doubles: [(name: String, count: Int)] = []
    ) {
        self.floats = floats.map { Terms(name: $0.name, count: $0.count) }
        self.doubles = doubles.map { Terms(name: $0.name, count: $0.count) }
        floatIndex = Self.index(floats.map(\.name))
        doubleIndex = Self.index(doubles.map(\.name))
    }

    /// Adds one term, as long as the tensor was declared.
    public mutating func add(_ term: UnsafeBufferPointer<Float>, to name: String) {
        floats[Self.position(of: name, in: floatIndex)].add(term)
    }

    /// Adds one term, as long as the tensor was declared.
    public mutating func add(_ term: UnsafeBufferPointer<Double>, to name: String) {
        doubles[Self.position(of: name, in: doubleIndex)].add(term)
    }

    /// Adds one term, as long as the tensor was declared.
    public mutating func add(_ term: [Float], to name: String) {
        term.withUnsafeBufferPointer { add($0, to: name) }
    }

    /// Adds one term, as long as the tensor was declared.
    public mutating func add(_ term: [Double], to name: String) {
        term.withUnsafeBufferPointer { add($0, to: name) }
    }

    /// Sums the terms of all ranks in two all-reduces and forgets them; a tensor without terms sums to 0.
    ///
    /// Errors: `ExactSumError`, alike on all ranks; `CommunicationError`.
    public mutating func reduce(over communicator: any Communicator) throws -> Outcome {
        defer { forget() }
        let survey = try Survey(
            magnitudes: floats.map(\.magnitude) + doubles.map(\.magnitude),
            terms: max(floats.map(\.terms).max() ?? 0, doubles.map(\.terms).max() ?? 0),
            over: communicator)
        guard survey.terms <= Self.maximumTerms else {
            throw ExactSumError.tooManyTerms(survey.terms)
        }
        let names = floats.map(\.name) + doubles.map(\.name)
        if let error = survey.nonFinite(names: names) { return .nonFinite(error) }

        let slots = (floats.map(\.count) + doubles.map(\.count)).consecutiveRanges
        let places = zip(slots, survey.magnitudes).map {
            FixedPointPlace(slot: $0, exponent: Self.exponent(magnitude: $1))
        }
        var fixed = fixedPointSums(places)
        try communicator.allReduce(&fixed, .sum)
        return outcome(fixed, places)
    }

    /// The sums of this rank's terms, tensor after tensor.
    private func fixedPointSums(_ places: [FixedPointPlace]) -> [Int64] {
        var fixed = [Int64](repeating: 0, count: places.last?.slot.upperBound ?? 0)
        fixed.withUnsafeMutableBufferPointer { fixed in
            for (terms, place) in zip(floats, places) { terms.accumulate(into: fixed, at: place) }
            for (terms, place) in zip(doubles, places.dropFirst(floats.count)) {
                terms.accumulate(into: fixed, at: place)
            }
        }
        return fixed
    }

    private func outcome(_ fixed: [Int64], _ places: [FixedPointPlace]) -> Outcome {
        let floatSums = zip(floats, places).map { ($0.name, $0.sum(in: fixed, at: $1)) }
        let doubleSums = zip(doubles, places.dropFirst(floats.count)).map {
            ($0.name, $0.sum(in: fixed, at: $1))
        }
        let overflowing =
            floatSums.filter { !$0.1.allSatisfy(\.isFinite) }.map(\.0)
            + doubleSums.filter { !$0.1.allSatisfy(\.isFinite) }.map(\.0)
        if !overflowing.isEmpty { return .nonFinite(NonFiniteError(tensors: overflowing, sources: [])) }
        return .sums(
            Sums(
                floats: Dictionary(uniqueKeysWithValues: floatSums),
                doubles: Dictionary(uniqueKeysWithValues: doubleSums)))
    }

    /// The exponent k of the unit 2^-k of a tensor: magnitude · 2^k < 2^42.
    ///
    /// Held inside ±1000, where 2^k and its inverse are normal doubles: doubles below 2^-958 lose digits.
    static func exponent(magnitude: Double) -> Int {
        guard magnitude > 0 else { return 0 }
        return min(max(termBits - (Int(magnitude.exponent) + 1), -1000), 1000)
    }

    private mutating func forget() {
        for i in floats.indices { floats[i].forget() }
        for i in doubles.indices { doubles[i].forget() }
    }

    private static func index(_ names: [String]) -> [String: Int] {
        Dictionary(
            zip(names, names.indices),
            uniquingKeysWith: { first, second in
                preconditionFailure("ExactSum: tensors \(first) and \(second) are both \(names[first])")
            })
    }

    private static func position(of name: String, in index: [String: Int]) -> Int {
        guard let position = index[name] else {
            preconditionFailure("ExactSum: no tensor \(name), expected one of \(index.keys.sorted())")
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
