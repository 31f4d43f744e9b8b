import TensorCore
import TestSupport
import XCTest

final class EmbeddingTests: XCTestCase {
    func testCopiesRows() {
        forEachDevice { device in
            for dtype in [DType.float32, .bfloat16, .float16, .float64]
            where dtype != .float64 || device == .cpu {
                let table = randomTensor([5, 3], seed: 1, dtype: dtype, on: device)
                let indices = Tensor(indices: [4, 0, 4, 2, 1, 4], shape: [2, 3], on: device)
                let y = embedding(table, indices)
                XCTAssertEqual(y.shape, [2, 3, 3])
                let rows = [4, 0, 4, 2, 1, 4].map { table.slice($0..<($0 + 1)) }
                assertIdentical(y, Tensor.concatenated(rows).reshaped(2, 3, 3), dtype.name)
            }
            XCTAssertEqual(embedding(.zeros([2, 3]), Tensor(indices: [])).shape, [0, 3])
        }
    }

    func testRepeatedRowsCollectTheirGradients() {
        let table = randomTensor([5, 3], seed: 2, dtype: .float64)
        let indices = Tensor(indices: [4, 0, 4, 4, 1, 0])
        checkGradient(of: { embedding($0[0], indices) }, at: [table])
        let leaf = table.tracked()
        let gradient = gradients(of: embedding(leaf, indices).sum())[leaf]
        XCTAssertEqual(
            gradient?.doubles, [2, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 3, 3, 3])
    }
}
