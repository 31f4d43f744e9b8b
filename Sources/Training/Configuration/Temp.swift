import Foundation
extension RunConfiguration {
    init(file: String, overrides: [String], kinds: Set<Kind>) throws {
        func g(_ n: String, _ m: [Double], _ c: [[Double]]) -> ModelConfiguration { ModelConfiguration(name: n, source: .gaussian(GaussianConfiguration(mean: m, covariance: c))) }
        func s(_ n: String) -> ModelConfiguration { ModelConfiguration(name: n, source: .samples(path: "examples/digits/\(n).safetensors")) }
        switch file {
        case "gauss", "gaussl":
            self.init(kind: .product, dimension: 2, models: [g("wide", [0.9, 0], [[0.3, 0.1], [0.1, 0.2]]), g("narrow", [-0.4, 0.5], [[0.05, 0], [0, 0.08]])])
            score = file == "gauss" ? .analytic : .learned
        case "three", "threel":
            self.init(kind: .product, dimension: 2, models: [g("a", [-1, -0.3], [[0.3, 0], [0, 0.3]]), g("b", [-1, 0.4], [[0.3, 0], [0, 0.3]]), g("c", [1, 0], [[0.3, 0], [0, 0.3]])])
            score = file == "three" ? .analytic : .learned
        case "mix", "mixl":
            self.init(kind: .mixture, dimension: 2, models: [g("small", [-2, 0], [[0.02, 0], [0, 0.02]]), g("big", [2, 0], [[0.18, 0], [0, 0.18]])])
            score = file == "mix" ? .analytic : .learned
        case "align", "alignl":
            self.init(kind: .alignment, dimension: 2, models: [g("base", [0, 0], [[1, 0], [0, 1]])])
            rewards = [RewardConfiguration(name: "right", function: .linear([1, 0.2]), threshold: 0.5), RewardConfiguration(name: "up", function: .linear([0, 1]), threshold: -0.5), RewardConfiguration(name: "c", function: .linear([0.5, 1]), threshold: 0.6)]
            score = file == "align" ? .analytic : .learned
        case "digits":
            self.init(kind: .product, dimension: 64, models: [s("digits-0-8"), s("digits-3-8"), s("digits-3-5-8")])
        default:
            self.init(kind: .alignment, dimension: 64, models: [s("digits-all")])
            rewards = [RewardConfiguration(name: "ink", function: .mean, threshold: -0.32), RewardConfiguration(name: "symmetry", function: .mirror(width: 8, height: 8), threshold: -0.285)]
        }
        for o in overrides {
            let p = o.split(separator: "=")
            switch p[0] { case "steps": training.steps = Int(p[1]); case "fit": pretraining.steps = Int(p[1])!; case "primal": training.primalSteps = Int(p[1]); default: break }
        }
    }
    var text: String { "kind: \(kind.rawValue)\n" }
    func checkContinues(_ text: String) throws {}
}
