import Foundation
import TensorCore
import TestSupport
import XCTest

/// Resizing and blurring against torchvision (Fixtures/make_resampling.py) and the matrices they stand for.
final class ResamplingTests: XCTestCase {
    private struct Fixture: Decodable {
        let resizings: [Case]
        let blurs: [Case]
    }

    private struct Case: Decodable {
        let image: [Int]
        let shape: [Int]
        let filter: String?
        let radius: Int?
        let deviation: Double?
        let y: [Double]
        let dX: [Double]
    }

    private func load() throws -> Fixture {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Fixture.self, from: Data(contentsOf: fixture("resampling.json")))
    }

    private func check(_ reference: Case, _ operation: (Tensor) -> Tensor) {
        for dtype in [DType.float64, .float32] {
            let x = ImageFixture.wave(reference.image, phase: 0, dtype: dtype).tracked()
            let y = operation(x)
            XCTAssertEqual(y.shape.dimensions, reference.shape)
            let tolerance = ImageFixture.tolerance(dtype)
            let dX = gradients(of: [(y, ImageFixture.upstream(y))])[x]
            let label = "\(reference.image) \(dtype.name)"
            assertClose(y.doubles, reference.y, absolute: tolerance, label)
            assertClose(dX?.doubles ?? [], reference.dX, absolute: tolerance, label)
        }
    }

    private func resized(_ x: Tensor, _ filter: ResizingFilter, _ height: Int, _ width: Int) -> Tensor {
        x.resampled(
            vertically: filter.matrix(from: x.shape[1], to: height),
            horizontally: filter.matrix(from: x.shape[2], to: width))
    }

    func testResizingIsThatOfTorchvision() throws {
        for reference in try load().resizings {
            let filter: ResizingFilter = reference.filter == "bicubic" ? .bicubic : .bilinear
            check(reference) { self.resized($0, filter, reference.shape[1], reference.shape[2]) }
        }
    }

    func testBlurIsThatOfTorchvision() throws {
        for reference in try load().blurs {
            check(reference) {
                $0.blurred(radius: reference.radius ?? 0, deviation: reference.deviation ?? 0)
            }
        }
    }

    func testAdjointsAgreeWithCentralDifferences() {
        let x = randomTensor([2, 6, 9, 2], seed: 1, dtype: .float64)
        for filter in [ResizingFilter.bilinear, .bicubic] {
            checkGradient(of: { self.resized($0[0], filter, 4, 11) }, at: [x], "\(filter)")
        }
        checkGradient(of: { $0[0].blurred(radius: 2, deviation: 0.8) }, at: [x], "blur")
    }

    func testBandsAreTheMatrixAndItsTransposeTheTranspose() {
        let matrix = BandedMatrix(
            columns: 5, bands: [(1, [2, -1, 3]), (0, [4]), (3, []), (2, [0.5, 0, 7]), (4, [6])])
        let dense: [[Double]] = [
            [0, 2, -1, 3, 0], [4, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0.5, 0, 7], [0, 0, 0, 0, 6],
        ]
        let identity = Tensor((0..<25).map { $0 % 6 == 0 ? 1.0 : 0 }, shape: [5, 5])
        let flat = Tensor(dense.flatMap { $0 }, shape: [5, 5])
        assertIdentical(identity.resampled(by: matrix, axis: 0), flat)
        assertIdentical(identity.resampled(by: matrix, axis: 1), flat.transposed())
        assertIdentical(identity.resampled(by: matrix.transposed, axis: 0), flat.transposed())
        assertIdentical(identity.resampled(by: matrix.rows(1..<4), axis: 0), flat.slice(1..<4))
        let (above, below) = (Tensor.zeros([2, 5], dtype: .float64), Tensor.zeros([1, 5], dtype: .float64))
        let wider = Tensor.concatenated([above, flat, below])
        assertIdentical(identity.resampled(by: matrix.rows(-2..<6), axis: 0), wider)
        checkGradient(of: { $0[0].resampled(by: matrix.rows(-2..<6), axis: 0) }, at: [identity])
    }

    /// Wide enough that threads share the rows; each is a sum of its own.
    func testThreadsDoNotChangeABit() {
        let x = randomTensor([3, 60, 50, 24], seed: 3)
        let wide = resized(x, .bicubic, 41, 70)
        for image in 0..<3 {
            let alone = resized(x.slice(image..<(image + 1)), .bicubic, 41, 70)
            assertIdentical(alone, wide.slice(image..<(image + 1)))
        }
        assertIdentical(
            withoutRecording { resized(x, .bicubic, 60, 50) }, x, "nothing changes at the same size")
    }
}
