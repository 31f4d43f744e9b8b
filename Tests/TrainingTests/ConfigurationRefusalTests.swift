import Foundation
import Training
import XCTest

/// One change that breaks a valid document, and the one problem that it must cause.
private struct Refusal {
    let document: String
    let found: String
    let replacement: String
    let path: String
    let fragment: String
    /// The problem stands on the replaced lines, not elsewhere.
    let isHere: Bool
    let line: UInt

    init(
        _ document: String, _ found: String, _ replacement: String, _ path: String, _ fragment: String,
        isHere: Bool = true, line: UInt = #line
    ) {
        self.document = document
        self.found = found
        self.replacement = replacement
        self.path = path
        self.fragment = fragment
        self.isHere = isHere
        self.line = line
    }

    func check() throws {
        let place = try XCTUnwrap(document.range(of: found), "\(found) is not in the document", line: line)
        let broken = document.replacingCharacters(in: place, with: replacement)
        let problems = problems(of: broken)
        XCTAssertEqual(problems.map(\.path), [path], "\(problems)", line: line)
        guard let problem = problems.first else { return }
        XCTAssertTrue(problem.message.contains(fragment), "\(problem)", line: line)
        if case .position(let row, _) = problem.location, isHere, !replacement.isEmpty {
            let first = document[..<place.lowerBound].count { $0 == "\n" } + 1
            let last = first + replacement.count { $0 == "\n" }
            XCTAssertTrue(
                (first...last).contains(row), "\(problem) is not on lines \(first)...\(last)", line: line)
        }
    }
}

final class ConfigurationRefusalTests: XCTestCase {
    private let product = Documents.product
    private let alignment = Documents.alignment
    private let mixture = Documents.mixture

    func testDocumentsAreValid() {
        for document in Documents.all { XCTAssertEqual(problems(of: document), []) }
    }

    func testKeys() throws {
        for refusal in [
            Refusal(product, "seed:", "sede:", "sede", "unknown key `sede`; did you mean `seed`?"),
            Refusal(product, "eta:", "eat:", "sampling.eat", "did you mean `eta`?"),
            Refusal(
                alignment, "threshold: 0.5", "treshold: 0.5", "rewards[0].treshold",
                "did you mean `threshold`?"),
            Refusal(alignment, "linear:", "liner:", "rewards[0].liner", "did you mean `linear`?"),
            Refusal(product, "gaussian:", "gausian:", "models[0].gausian", "did you mean `gaussian`?"),
            Refusal(
                product, "score: analytic", "score: analytic\nlr: 1", "lr", "the keys here are `kind`, `seed`"
            ),
            Refusal(
                product, "score: analytic", "score: analytic\nlevels: 3", "levels",
                "did you mean `mcmc.levels`?"),
            Refusal(product, "seed: 7", "seed: 7\n<<: {x: 1}", "<<", "unknown key `<<`"),
            Refusal(product, "seed: 7", "seed: 7\nseed: 8", "", "`seed` is given twice"),
            Refusal(
                product, "train_steps: 200", "train_steps: 200, train-steps: 9", "schedule.train_steps",
                "twice"),
            Refusal(product, "seed: 7", "[1, 2]: 7", "", "a key must be a word"),
            Refusal(product, "kind: product\n", "", "kind", "is missing; add `kind:`"),
            Refusal(mixture, "dimension: 1\n", "", "dimension", "is missing"),
            Refusal(alignment, ", threshold: 0.5", "", "rewards[0].threshold", "is missing"),
            Refusal(
                alignment, "linear: [1, 0, 0, 0, 0, 0], ", "", "rewards[0]", "give one of `linear`, `mean`"),
            Refusal(
                alignment, "mean: true", "mean: true, linear: [1, 0, 0, 0, 0, 0]", "rewards[1]",
                "give only one of `linear`, `mean`"),
            Refusal(mixture, "mean: [3.0], ", "", "models[1].gaussian.mean", "is missing"),
            Refusal(
                mixture, "kind: mixture", "kind: product", "constraint", "is for mixture only", isHere: false),
            Refusal(product, "seed: 7", "rewards: []", "rewards", "is for alignment only"),
        ] { try refusal.check() }
    }

    private var types: [Refusal] {
        [
            Refusal(product, "seed: 7", "seed: seven", "seed", "expected an integer ≥ 0, found `seven`"),
            Refusal(product, "seed: 7", "seed: -1", "seed", "found `-1`"),
            Refusal(product, "seed: 7", "seed: 1.5", "seed", "expected an integer"),
            Refusal(
                product, "seed: 7", "seed: 18446744073709551616", "seed",
                "the largest is 18446744073709551615"),
            Refusal(product, "seed: 7", "seed:", "seed", "found nothing"),
            Refusal(product, "seed: 7", "seed: true", "seed", "found `true`"),
            Refusal(product, "seed: 7", "seed: \"7\"", "seed", "found the text \"7\""),
            Refusal(product, "eta: 1.0", "eta: \"1.0\"", "sampling.eta", "remove the quotes"),
            Refusal(product, "eta: 1.0", "eta: [1.0]", "sampling.eta", "found a list of 1"),
            Refusal(product, "eta: 1.0", "eta: .nan", "sampling.eta", "expected a finite number"),
            Refusal(product, "eta: 1.0", "eta: 0x1", "sampling.eta", "expected a number from 0 to 1"),
            Refusal(
                product, "mean: [-1.0, -0.2]", "mean: [-1.0, .inf]", "models[0].gaussian.mean[1]", "finite"),
            Refusal(
                product, "mean: [-1.0, -0.2]", "mean: [-1.0, 1e999]", "models[0].gaussian.mean[1]", "finite"),
            Refusal(
                product, "mean: [-1.0, -0.2]", "mean: 0", "models[0].gaussian.mean",
                "expected a list of numbers"),
            Refusal(
                mixture, "[[0.02]]", "[0.02]", "models[0].gaussian.covariance[0]",
                "expected a list of numbers, found `0.02`"),
            Refusal(
                product, "ranks: {shards: 1}", "ranks: 1", "ranks",
                "expected a mapping, found `1`; its keys are"),
            Refusal(product, "ranks: {shards: 1}", "ranks:", "ranks", "found nothing"),
            Refusal(product, "name: left", "name: 3", "models[0].name", "write it in quotes"),
            Refusal(product, "name: left", "name: no", "models[0].name", "write it in quotes"),
            Refusal(product, "name: left", "name:", "models[0].name", "expected a name, found nothing"),
            Refusal(alignment, "mean: true", "mean: false", "rewards[1].mean", "leave the key out"),
            Refusal(alignment, "mean: true", "mean: yes", "rewards[1].mean", "write true"),
            Refusal(product, "kind: linear", "kind: liner", "schedule.kind", "did you mean `linear`?"),
            Refusal(
                product, "rule: adaptive", "rule: sgd", "dual.rule", "expected one of `adaptive`, `ascent`"),
            Refusal(product, "score: analytic", "score: analytical", "score", "did you mean `analytic`?"),
            Refusal(product, "sampler: mala", "sampler: [mala]", "mcmc.sampler", "found a list of 1"),
            Refusal(
                product, "initial: [0.5, 0.5]", "initial: 0.5", "dual.initial",
                "expected a list of numbers ≥ 0"),
        ]
    }

    func testTypes() throws {
        for refusal in types { try refusal.check() }
    }

    private var ranges: [Refusal] {
        [
            Refusal(product, "dimension: 2", "dimension: 0", "dimension", "integer from 1 to 65536"),
            Refusal(product, "hidden: 128", "hidden: 0", "network.hidden", "integer ≥ 1"),
            Refusal(product, "embedding: 128", "embedding: 127", "network.embedding", "is odd"),
            Refusal(product, "steps: 60", "steps: 0", "training.steps", "integer ≥ 1"),
            Refusal(
                product, "chains: 1024", "chains: 99999999999", "mcmc.chains", "the largest is 2147483647"),
            Refusal(product, "every: 10", "every: -1", "checkpoints.every", "integer ≥ 0"),
            Refusal(product, "beta_start: 0.0005", "beta_start: 0", "schedule.beta_start", "between 0 and 1"),
            Refusal(product, "beta_end: 0.1", "beta_end: 1", "schedule.beta_end", "between 0 and 1"),
            Refusal(
                product, "beta_end: 0.1", "beta_end: 0.0001", "schedule.beta_end", "less than beta_start"),
            Refusal(product, "train_steps: 200", "train_steps: 1", "schedule.train_steps", "integer ≥ 2"),
            Refusal(product, "sampling: {steps: 200", "sampling: {steps: 201", "sampling.steps", "more than"),
            Refusal(product, "eta: 1.0", "eta: 1.01", "sampling.eta", "from 0 to 1"),
            Refusal(
                alignment, "eta: 0.5", "eta: 0", "sampling.eta", "the KL of a deterministic chain is infinite"
            ),
            Refusal(product, "decay: 1,", "decay: 1.1,", "dual.decay", "at most 1"),
            Refusal(product, "smoothing: 0.9", "smoothing: 1", "dual.smoothing", "below 1"),
            Refusal(product, "step_size: 0.1", "step_size: 0", "mcmc.step_size", "number > 0"),
            Refusal(
                product, "learning_rate: 1e-3", "learning_rate: -1e-3", "pretraining.learning_rate", "> 0"),
            Refusal(product, "micro_batch: 128", "micro_batch: 16", "pretraining.micro_batch", "≥ 32"),
            Refusal(
                product, "micro_batch: 512", "micro_batch: 4096.0", "evaluation.micro_batch", "even integer"),
            Refusal(
                product, "batch: 512, micro_batch: 128", "batch: 500, micro_batch: 128", "pretraining.batch",
                "500 is no multiple of pretraining.micro_batch = 128"),
            Refusal(
                product, "batch: 512, micro_batch: 64", "batch: 96, micro_batch: 64", "training.batch",
                "multiple"),
            Refusal(
                product, "chains: 1024", "chains: 1000", "mcmc.chains", "multiple of training.micro_batch"),
            Refusal(product, "samples: 65536", "samples: 65000", "evaluation.samples", "no multiple"),
            Refusal(
                mixture, "kind: mixture", "kind: mixture\ntraining: {batch: 960, micro_batch: 96}",
                "training.micro_batch", "does not divide the 2048 samples"),
        ]
    }

    func testRanges() throws {
        for refusal in ranges { try refusal.check() }
    }

    private static let many = (0...64).map {
        "  - {name: m\($0), gaussian: {mean: [0.0], covariance: [[1.0]]}}"
    }
    private var models: [Refusal] {
        [
            Refusal(
                product, "mean: [-1.0, -0.2]", "mean: [-1.0]", "models[0].gaussian.mean", "has 1 numbers"),
            Refusal(
                product, "[[0.05, 0.01], [0.01, 0.05]]", "[[0.05, 0.01]]", "models[0].gaussian.covariance",
                "has 1 rows of 2 numbers, expected 2×2"),
            Refusal(
                product, "[[0.05, 0.01], [0.01, 0.05]]", "[[0.05], [0.01, 0.05]]",
                "models[0].gaussian.covariance", "2 rows of 1, 2 numbers"),
            Refusal(
                product, "[[0.05, 0.01], [0.01, 0.05]]", "[[0.05, 0.01], [0.02, 0.05]]",
                "models[0].gaussian.covariance",
                "of model `left` is not symmetric: [1][0] is 0.02, [0][1] is 0.01"),
            Refusal(
                product, "[[0.05, 0.01], [0.01, 0.05]]", "[[0.05, 0.06], [0.06, 0.05]]",
                "models[0].gaussian.covariance", "of model `left` is not positive definite: pivot 1"),
            Refusal(
                product, "[[0.05, 0.01], [0.01, 0.05]]", "[[0, 0], [0, 0.05]]",
                "models[0].gaussian.covariance", "pivot 0 of its Cholesky factor is 0.0"),
            Refusal(
                product, "[[0.1, 0], [0, 0.1]]", "[[0.1, 0], [0, -0.1]]", "models[1].mixture[1].covariance",
                "of model `pair` is not positive definite"),
            Refusal(
                product, "mean: [0.6, -0.9]", "mean: [0.6]", "models[1].mixture[1].mean", "dimension = 2"),
            Refusal(product, "weight: 0.25", "weight: 0.3", "models[1].mixture", "the weights sum to 1.05"),
            Refusal(product, "weight: 0.25", "weight: -0.25", "models[1].mixture[0].weight", "number > 0"),
            Refusal(
                mixture, "gaussian: {mean: [0.0], covariance: [[0.02]]}", "mixture: []", "models[0].mixture",
                "is empty"),
            Refusal(product, "name: pair", "name: left", "models[1].name", "is the name of models[0] too"),
            Refusal(product, "name: left", "name: \"\"", "models[0].name", "names files too"),
            Refusal(product, "name: left", "name: a/b", "models[0].name", "names files too"),
            Refusal(product, "name: left", "name: .hidden", "models[0].name", "start with a letter or digit"),
            Refusal(product, "name: left", "name: \"line\\nbreak\"", "models[0].name", "names files too"),
            Refusal(
                product, "name: left", "name: \(String(repeating: "x", count: 65))", "models[0].name",
                "1 to 64"),
            Refusal(
                mixture, "  - {name: large, gaussian: {mean: [3.0], covariance: [[0.18]]}}\n", "", "models",
                "mixture takes at least 2, found 1"),
            Refusal(
                mixture, "kind: mixture\nconstraint: kl",
                "kind: alignment\nrewards: [{name: r, mean: true, threshold: 0}]",
                "models", "alignment takes exactly 1, found 2", isHere: false),
            Refusal(
                mixture, mixture, "kind: pretraining\ndimension: 1\nmodels: []\n", "models", "at least 1"),
            Refusal(
                mixture, mixture,
                "kind: mixture\ndimension: 1\nmodels:\n" + Self.many.joined(separator: "\n"),
                "models", "mixture takes at most 64, found 65"),
            Refusal(
                mixture, mixture,
                "kind: pretraining\nscore: analytic\ndimension: 1\nmodels:\n" + Self.many[0],
                "score", "pretraining fits networks"),
            Refusal(
                mixture, "gaussian: {mean: [0.0], covariance: [[0.02]]}", "samples: \"\"",
                "models[0].samples",
                "is empty"),
        ]
    }

    func testModels() throws {
        for refusal in models { try refusal.check() }
    }

    func testConstraints() throws {
        let linear = "linear: [1, 0, 0, 0, 0, 0], threshold: 0.5"
        let zeros = "linear: [0, 0, 0, 0, 0, 0]"
        for refusal in [
            Refusal(
                alignment, "[1, 0, 0, 0, 0, 0], threshold", "[1, 0], threshold", "rewards[0].linear", "has 2"),
            Refusal(
                alignment, linear, zeros + ", threshold: 0.5", "rewards[0].threshold",
                "0.5 cannot be met: a reward of weights that are all zero is never above 0.0"),
            Refusal(
                alignment, linear, zeros + ", threshold: -0.5, direction: low", "rewards[0].threshold",
                "never below 0.0"),
            Refusal(
                alignment, linear, zeros + ", threshold: -1, normalize: base", "rewards[0].linear",
                "no deviation to normalize by"),
            Refusal(
                alignment, "threshold: -0.5", "threshold: 0.5", "rewards[2].threshold", "minus a squared"),
            Refusal(
                alignment, "width: 3", "width: 4", "rewards[2].mirror", "4×2 pixels are not dimension = 6"),
            Refusal(alignment, "width: 3", "width: 2147483647", "rewards[2].mirror", "are not dimension"),
            Refusal(alignment, "height: 2", "height: 0", "rewards[2].mirror.height", "integer ≥ 1"),
            Refusal(
                alignment, "name: ink", "name: right", "rewards[1].name", "is the name of rewards[0] too"),
            Refusal(
                alignment, "initial: [0, 1.5, 2]", "initial: [0, 1.5]", "dual.initial",
                "expected one for each of the 3 rewards"),
            Refusal(
                alignment, "initial: [0, 1.5, 2]", "initial: [0, 1.5, -2]", "dual.initial[2]", "number ≥ 0"),
            Refusal(product, "initial: [0.5, 0.5]", "initial: [0.5, 0.6]", "dual.initial", "sums to 1.1"),
            Refusal(product, "initial: [0.5, 0.5]", "initial: [1]", "dual.initial", "each of the 2 models"),
            Refusal(
                mixture, "kind: mixture\nconstraint: kl", "kind: pretraining\ndual: {initial: [1]}",
                "dual.initial", "pretraining has no constraints"),
            Refusal(
                mixture, mixture,
                "kind: alignment\ndimension: 1\nmodels:\n"
                    + "  - {name: m, gaussian: {mean: [0.0], covariance: [[1.0]]}}\n", "rewards",
                "at least one"),
        ] { try refusal.check() }
    }
}
