import CKernels
import XCTest

/// An array of one of the kernels' element types, read and written as doubles.
final class Elements {
    let type: ck_dtype
    let count: Int
    let base: UnsafeMutableRawPointer

    /// Room for `count` elements, every byte 0xAA: what a kernel leaves unwritten shows.
    init(_ type: ck_dtype, count: Int) {
        self.type = type
        self.count = count
        base = .allocate(byteCount: max(1, count * type.byteWidth), alignment: 8)
        memset(base, 0xAA, count * type.byteWidth)
    }

    /// Each value rounded to the nearest element.
    convenience init(_ type: ck_dtype, _ values: [Double]) {
        self.init(type, count: values.count)
        for (index, value) in values.enumerated() { self[index] = value }
    }

    deinit { base.deallocate() }

    func at(_ index: Int) -> UnsafeMutableRawPointer { base + index * type.byteWidth }

    subscript(index: Int) -> Double {
        get {
            switch type {
            case ck_f32: Double(base.load(fromByteOffset: 4 * index, as: Float.self))
            case ck_f64: base.load(fromByteOffset: 8 * index, as: Double.self)
            case ck_bf16: bfloat16(bits: base.load(fromByteOffset: 2 * index, as: UInt16.self))
            case ck_f16: Double(base.load(fromByteOffset: 2 * index, as: Float16.self))
            default: Double(base.load(fromByteOffset: 4 * index, as: Int32.self))
            }
        }
        set {
            switch type {
            case ck_f32: base.storeBytes(of: Float(newValue), toByteOffset: 4 * index, as: Float.self)
            case ck_f64: base.storeBytes(of: newValue, toByteOffset: 8 * index, as: Double.self)
            case ck_bf16:
                base.storeBytes(of: bfloat16Bits(newValue), toByteOffset: 2 * index, as: UInt16.self)
            case ck_f16: base.storeBytes(of: Float16(newValue), toByteOffset: 2 * index, as: Float16.self)
            default: base.storeBytes(of: Int32(newValue), toByteOffset: 4 * index, as: Int32.self)
            }
        }
    }

    var doubles: [Double] { (0..<count).map { self[$0] } }
    var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: count * type.byteWidth)) }

    func copy() -> Elements {
        let copy = Elements(type, count: count)
        memcpy(copy.base, base, count * type.byteWidth)
        return copy
    }
}

extension ck_dtype {
    static let floating: [ck_dtype] = [ck_f32, ck_bf16, ck_f16, ck_f64]

    var byteWidth: Int {
        switch self {
        case ck_bf16, ck_f16: 2
        case ck_f64: 8
        default: 4
        }
    }

    /// Half a unit in the last place, relative.
    var roundoff: Double {
        switch self {
        case ck_f32: 0x1p-24
        case ck_bf16: 0x1p-8
        case ck_f16: 0x1p-11
        default: 0x1p-53
        }
    }
}

func bfloat16(bits: UInt16) -> Double { Double(Float(bitPattern: UInt32(bits) << 16)) }

/// The nearer of the two neighbours of x, the even one of two equally near: found by comparing distances.
func bfloat16Bits(_ x: Double) -> UInt16 {
    let sign: UInt16 = x.sign == .minus ? 0x8000 : 0
    let magnitude = abs(x)
    if magnitude.isNaN { return 0x7FC0 }
    if magnitude >= 0x1.FFp127 { return sign | 0x7F80 }
    var below = UInt16(truncatingIfNeeded: Float(magnitude).bitPattern >> 16)
    if bfloat16(bits: below) > magnitude { below -= 1 }
    // Where the upper neighbour would be infinite, the distance is to 2¹²⁸.
    let above = below == 0x7F7F ? 0x1p128 : bfloat16(bits: below + 1)
    let down = magnitude - bfloat16(bits: below)
    let up = above - magnitude
    return sign | (up < down || (up == down && below % 2 == 1) ? below + 1 : below)
}

/// |actual − expected| <= absolute + relative · |expected|; NaN and infinities must agree.
func assertClose(
    _ actual: [Double], _ expected: [Double], absolute: Double = 0, relative: Double = 0,
    _ message: @autoclosure () -> String = "", file: StaticString = #filePath, line: UInt = #line
) {
    XCTAssertEqual(actual.count, expected.count, message(), file: file, line: line)
    for (index, (a, e)) in zip(actual, expected).enumerated() {
        if a == e || (a.isNaN && e.isNaN) || abs(a - e) <= absolute + relative * abs(e) { continue }
        XCTFail("[\(index)]: \(a), expected \(e). \(message())", file: file, line: line)
        return
    }
}

/// SplitMix64 (Steele, Lea & Flood 2014): the tests' own source of numbers.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func values(_ count: Int, in range: ClosedRange<Double>) -> [Double] {
        (0..<count).map { _ in Double.random(in: range, using: &self) }
    }

    /// Magnitudes spread evenly in their logarithm, either sign.
    mutating func spread(_ count: Int, exponents: ClosedRange<Double>) -> [Double] {
        (0..<count).map { _ in
            let magnitude = exp2(Double.random(in: exponents, using: &self))
            return Bool.random(using: &self) ? magnitude : -magnitude
        }
    }
}
