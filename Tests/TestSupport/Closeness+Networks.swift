import TensorCore
import XCTest

/// Compares the output of a network with a reference: max |x − ref| ≤ relative · max |ref|.
///
/// Single elements near zero have no relative accuracy after a sum of large terms; the largest sets the scale.
public func assertWithin(
    _ relative: Double, _ actual: Tensor, _ expected: Tensor, _ message: @autoclosure () -> String = "",
    file: StaticString = #filePath, line: UInt = #line
) {
    let scale = expected.doubles.map(abs).max() ?? 0
    assertClose(
        actual, expected.cast(to: actual.dtype), absolute: relative * scale, message(), file: file, line: line
    )
}
