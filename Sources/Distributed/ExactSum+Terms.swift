import TensorCore

/// Where a tensor lies in the flat fixed-point sums, and its unit 2^-exponent.
struct FixedPointPlace {
    let slot: Range<Int>
    let exponent: Int
}

/// The terms one rank contributes to the sum of one tensor.
struct Terms<Element: FixedPointConvertible>: Sendable {
    let name: String
    /// Elements of the tensor.
    let count: Int
    /// The terms one after another: `[terms × count]`.
    private var values: [Element] = []
    private(set) var terms = 0
    /// max |x| over the terms; infinite if one of them is NaN or infinite.
    private(set) var magnitude = 0.0

    init(name: String, count: Int) {
        self.name = name
        self.count = count
    }

    mutating func add(_ term: UnsafeBufferPointer<Element>) {
        precondition(term.count == count, "ExactSum: \(term.count) elements for \(name), expected \(count)")
        values.append(contentsOf: term)
        terms += 1
        magnitude = max(magnitude, Element.maxMagnitude(term) ?? .infinity)
    }

    /// Adds the terms to the flat sums.
    func accumulate(into fixed: UnsafeMutableBufferPointer<Int64>, at place: FixedPointPlace) {
        let sum = UnsafeMutableBufferPointer(rebasing: fixed[place.slot])
        values.withUnsafeBufferPointer { values in
            for start in stride(from: 0, to: values.count, by: max(count, 1)) {
                let term = UnsafeBufferPointer(rebasing: values[start..<start + count])
                Element.accumulate(term, exponent: place.exponent, into: sum)
            }
        }
    }

    /// This tensor's part of the flat sums, rounded once.
    func sum(in fixed: [Int64], at place: FixedPointPlace) -> [Element] {
        fixed.withUnsafeBufferPointer {
            Element.rounded(UnsafeBufferPointer(rebasing: $0[place.slot]), exponent: place.exponent)
        }
    }

    mutating func forget() {
        values.removeAll(keepingCapacity: true)
        terms = 0
        magnitude = 0
    }
}

/// Float and Double, as `Terms` needs them.
protocol FixedPointConvertible: BitwiseCopyable, Sendable {
    static func maxMagnitude(_ x: UnsafeBufferPointer<Self>) -> Double?
    static func accumulate(
        _ x: UnsafeBufferPointer<Self>, exponent: Int, into sum: UnsafeMutableBufferPointer<Int64>)
    static func rounded(_ sum: UnsafeBufferPointer<Int64>, exponent: Int) -> [Self]
}

extension Float: FixedPointConvertible {
    static func maxMagnitude(_ x: UnsafeBufferPointer<Float>) -> Double? { FixedPoint.maxMagnitude(x) }

    static func accumulate(
        _ x: UnsafeBufferPointer<Float>, exponent: Int, into sum: UnsafeMutableBufferPointer<Int64>
    ) {
        FixedPoint.accumulate(x, exponent: exponent, into: sum)
    }

    static func rounded(_ sum: UnsafeBufferPointer<Int64>, exponent: Int) -> [Float] {
        FixedPoint.floats(sum, exponent: exponent)
    }
}

extension Double: FixedPointConvertible {
    static func maxMagnitude(_ x: UnsafeBufferPointer<Double>) -> Double? { FixedPoint.maxMagnitude(x) }

    static func accumulate(
        _ x: UnsafeBufferPointer<Double>, exponent: Int, into sum: UnsafeMutableBufferPointer<Int64>
    ) {
        FixedPoint.accumulate(x, exponent: exponent, into: sum)
    }

    static func rounded(_ sum: UnsafeBufferPointer<Int64>, exponent: Int) -> [Double] {
        FixedPoint.doubles(sum, exponent: exponent)
    }
}
