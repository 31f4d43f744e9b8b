import Rewards
import TensorCore
import TestSupport
import XCTest

final class RewardTests: XCTestCase {
    func testLinearRewardAndItsGradient() {
        let reward = LinearReward(name: "r", weights: [1, -2, 0.5])
        let x = Tensor([1, 1, 2, 0, -1, 4] as [Float], shape: [2, 3]).tracked()
        let values = reward(x)
        XCTAssertEqual(values.floats, [0, 4])
        XCTAssertEqual(gradients(of: values.sum())[x]?.floats, [1, -2, 0.5, 1, -2, 0.5])
    }

    func testMeanReward() {
        let reward = LinearReward(name: "ink", meanOver: 4)
        assertClose(reward(Tensor([1, 2, 3, 6] as [Float], shape: [1, 4])).doubles, [3], relative: 1e-6)
    }

    func testSymmetryIsTheMeanSquaredDifferenceToTheMirrorImage() {
        let reward = SymmetryReward(name: "s", width: 3, height: 2)
        let symmetric: [Float] = [1, 5, 1, 2, 0, 2]
        let skewed: [Float] = [1, 0, 3, 0, 0, 0]
        // Differences of the first row: −2, 0, 2.
        let values = reward(Tensor(symmetric + skewed, shape: [2, 6]))
        assertClose(values.doubles, [0, -8.0 / 6], absolute: 1e-6)
    }

    func testSymmetryGradient() {
        let x = randomTensor([3, 16], seed: 4).tracked()
        let reward = SymmetryReward(name: "s", width: 4, height: 4)
        let found = gradients(of: reward(x).sum())[x]?.doubles ?? []
        // d/dx of −(1/d) Σ (x − Px)²: −(4/d)(x − Px), since I − P is symmetric and squares to twice itself.
        let values = x.doubles
        let expected = values.indices.map { i in
            let (row, column) = (i / 4, i % 4)
            return -4.0 / 16 * (values[i] - values[row * 4 + 3 - column])
        }
        assertClose(found, expected, absolute: 1e-6, relative: 1e-5)
    }

    func testScaleFromSums() {
        let scale = RewardScale(sum: 6, sumOfSquares: 20, count: 3)
        XCTAssertEqual(scale.mean, 2)
        XCTAssertEqual(scale.deviation, (20.0 / 3 - 4).squareRoot(), accuracy: 1e-12)
        XCTAssertEqual(scale.normalized(2), 0)
    }
}
