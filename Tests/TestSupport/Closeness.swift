import TensorCore
import XCTest

/// How far one array is from its reference, by the one formula all tests use: |x − ref| ≤ atol + rtol·|ref|.
package struct Closeness {
    let absolute: Double
    let relative: Double

    package init(absolute: Double, relative: Double) {
        self.absolute = absolute
        self.relative = relative
    }

    /// Nil where every element is within tolerance, else a report of the worst one.
    package func fault(_ actual: [Double], _ expected: [Double]) -> String? {
        guard actual.count == expected.count else {
            return "\(actual.count) elements, expected \(expected.count)"
        }
        let ratios = zip(actual, expected).map(ratio)
        guard let worst = ratios.indices.max(by: { ratios[$0] < ratios[$1] }), ratios[worst] > 1 else {
            return nil
        }
        let failed = ratios.filter { $0 > 1 }.count
        return "\(failed) of \(actual.count) elements are off; worst at index \(worst): \(actual[worst]),"
            + " expected \(expected[worst]), \(ratios[worst]) × the tolerance"
    }

    /// Distance in units of the tolerance; infinite where one value is not finite and they differ.
    private func ratio(_ actual: Double, _ expected: Double) -> Double {
        if actual == expected || (actual.isNaN && expected.isNaN) { return 0 }
        let distance = abs(actual - expected)
        guard distance.isFinite else { return .infinity }
        return distance / (absolute + relative * abs(expected))
    }
}

/// Compares whole arrays: |actual − expected| ≤ absolute + relative · |expected| for each element.
public func assertClose(
    _ actual: [Double], _ expected: [Double], absolute: Double = 0, relative: Double = 0,
    _ message: @autoclosure () -> String = "", file: StaticString = #filePath, line: UInt = #line
) {
    guard let fault = Closeness(absolute: absolute, relative: relative).fault(actual, expected) else {
        return
    }
    XCTFail([message(), fault].filter { !$0.isEmpty }.joined(separator: ": "), file: file, line: line)
}

public func assertClose(
    _ actual: [Float], _ expected: [Float], absolute: Double = 0, relative: Double = 0,
    _ message: @autoclosure () -> String = "", file: StaticString = #filePath, line: UInt = #line
) {
    assertClose(
        actual.map(Double.init), expected.map(Double.init), absolute: absolute, relative: relative, message(),
        file: file, line: line)
}

/// Compares shape and element type first, then all elements.
public func assertClose(
    _ actual: Tensor, _ expected: Tensor, absolute: Double = 0, relative: Double = 0,
    _ message: @autoclosure () -> String = "", file: StaticString = #filePath, line: UInt = #line
) {
    guard actual.shape == expected.shape, actual.dtype == expected.dtype else {
        let fault =
            "\(actual.shape) \(actual.dtype.name), expected \(expected.shape) \(expected.dtype.name)"
        return XCTFail(
            [message(), fault].filter { !$0.isEmpty }.joined(separator: ": "), file: file, line: line)
    }
    assertClose(
        actual.doubles, expected.doubles, absolute: absolute, relative: relative, message(), file: file,
        line: line)
}

/// Compares shape, element type and every bit.
public func assertIdentical(
    _ actual: Tensor, _ expected: Tensor, _ message: @autoclosure () -> String = "",
    file: StaticString = #filePath, line: UInt = #line
) {
    guard actual.shape == expected.shape, actual.dtype == expected.dtype else {
        return assertClose(actual, expected, message(), file: file, line: line)
    }
    let isSame = actual.withHostBytes { left in expected.withHostBytes { left.elementsEqual($0) } }
    guard !isSame else { return }
    // Zeros of opposite sign and NaNs of different payload differ in bits alone.
    let fault = Closeness(absolute: 0, relative: 0).fault(actual.doubles, expected.doubles)
    XCTFail(
        [message(), fault ?? "equal values, different bits"].filter { !$0.isEmpty }.joined(separator: ": "),
        file: file, line: line)
}
