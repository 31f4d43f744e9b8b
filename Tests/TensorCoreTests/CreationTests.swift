import TensorCore
import TestSupport
import XCTest

final class CreationTests: XCTestCase {
    func testFillsEveryType() {
        forEachDevice { device in
            for dtype in DType.allCases where dtype != .float64 || device == .cpu {
                for shape in [Shape([]), [5], [2, 0, 3], [300, 301]] {
                    let tensor = Tensor(full: 3, shape, dtype: dtype, on: device)
                    XCTAssertEqual(tensor.dtype, dtype)
                    XCTAssertEqual(tensor.shape, shape)
                    XCTAssertEqual(tensor.byteCount, shape.elementCount * dtype.byteWidth)
                    XCTAssertEqual(tensor.doubles, Array(repeating: 3, count: shape.elementCount))
                }
            }
            XCTAssertEqual(Tensor.ones([2], on: device).floats, [1, 1])
            assertIdentical(.zeros(like: Tensor.ones([2], on: device)), .zeros([2], on: device))
        }
    }

    func testHostValuesGoThereAndBack() {
        let floats: [Float] = [1.5, -0, .infinity, .leastNonzeroMagnitude, 3e38]
        XCTAssertEqual(Tensor(floats, shape: [5]).floats.map(\.bitPattern), floats.map(\.bitPattern))
        let doubles = [1e300, -1e-300, .pi]
        XCTAssertEqual(Tensor(doubles, shape: [3, 1]).doubles, doubles)
        XCTAssertEqual(Tensor(indices: [3, -1], shape: [2, 1]).indices, [3, -1])
        XCTAssertEqual(Tensor(indices: [3, -1]).floats, [3, -1])
        XCTAssertEqual(Tensor([2.5], shape: []).item, 2.5)
        let bytes: [UInt16] = [0x3F80, 0xC000]
        let brain = bytes.withUnsafeBytes { Tensor(bytes: $0, shape: [2], dtype: .bfloat16) }
        XCTAssertEqual(brain.doubles, [1, -2])
        XCTAssertEqual(brain.withHostBytes { Array($0.bindMemory(to: UInt16.self)) }, bytes)
    }

    func testNamesOfTypes() {
        XCTAssertEqual(DType.allCases.map(\.name), ["f32", "bf16", "f16", "f64", "i32"])
        for dtype in DType.allCases { XCTAssertEqual(DType(name: dtype.name), dtype) }
        XCTAssertNil(DType(name: "f8"))
    }
}
