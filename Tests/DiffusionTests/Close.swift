import TensorCore
import XCTest

/// |x − ref| ≤ atol + rtol·|ref| for every element; reports the worst one.
func assertClose(
    _ values: [Double], _ references: [Double], rtol: Double = 0, atol: Double = 0, _ what: String = "",
    file: StaticString = #filePath, line: UInt = #line
) {
    guard values.count == references.count else {
        return XCTFail(
            "\(what): \(values.count) values, expected \(references.count)", file: file, line: line)
    }
    let excess = zip(values, references).map { value, reference in
        let allowed = atol + rtol * abs(reference)
        let error = abs(value - reference)
        return error <= allowed ? 0 : error.isNaN ? .infinity : error / max(allowed, .leastNormalMagnitude)
    }
    guard let worst = excess.indices.max(by: { excess[$0] < excess[$1] }), excess[worst] > 0 else { return }
    XCTFail(
        "\(what) [\(worst)]: got \(values[worst]), expected \(references[worst]),"
            + " \(excess[worst]) times the tolerance",
        file: file, line: line)
}

func assertClose(
    _ value: Double, _ reference: Double, rtol: Double = 0, atol: Double = 0, _ what: String = "",
    file: StaticString = #filePath, line: UInt = #line
) {
    assertClose([value], [reference], rtol: rtol, atol: atol, what, file: file, line: line)
}

func assertClose(
    _ value: Tensor, _ reference: Tensor, rtol: Double = 0, atol: Double = 0, _ what: String = "",
    file: StaticString = #filePath, line: UInt = #line
) {
    XCTAssertEqual(value.shape, reference.shape, what, file: file, line: line)
    XCTAssertEqual(value.dtype, reference.dtype, what, file: file, line: line)
    assertClose(value.doubles, reference.doubles, rtol: rtol, atol: atol, what, file: file, line: line)
}

/// Bit for bit.
func assertIdentical(
    _ value: Tensor, _ reference: Tensor, file: StaticString = #filePath, line: UInt = #line
) {
    XCTAssertEqual(value.shape, reference.shape, file: file, line: line)
    XCTAssertEqual(
        value.withHostBytes { Array($0) }, reference.withHostBytes { Array($0) }, file: file, line: line)
}
