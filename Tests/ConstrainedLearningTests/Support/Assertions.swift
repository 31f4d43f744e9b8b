import XCTest

/// |x − reference| ≤ absolute + relative·|reference| in every component.
func assertClose(
    _ values: [Double], _ reference: [Double], absolute: Double = 0, relative: Double = 0,
    _ what: String = "", file: StaticString = #filePath, line: UInt = #line
) {
    guard values.count == reference.count else {
        return XCTFail(
            "\(what): got \(values.count) values, expected \(reference.count)", file: file, line: line)
    }
    for (i, (value, expected)) in zip(values, reference).enumerated() {
        let allowed = absolute + relative * abs(expected)
        if !(abs(value - expected) <= allowed) {
            XCTFail(
                "\(what) [\(i)]: got \(value), expected \(expected) ± \(allowed); all: \(values), "
                    + "expected \(reference)", file: file, line: line)
            return
        }
    }
}
