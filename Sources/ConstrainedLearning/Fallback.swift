import Foundation

public enum MultiplierDomain: String, Sendable { case nonnegative, simplex }

public enum RunStatus: String, Sendable { case converged, iterationLimit = "iteration_limit", infeasible, nonFinite = "non_finite", interrupted }

public func projectedOntoSimplex(_ v: [Double]) -> [Double] {
    let sorted = v.sorted(by: >)
    var sum = 0.0, threshold = 0.0
    for (k, value) in sorted.enumerated() {
        sum += value
        let candidate = (sum - 1) / Double(k + 1)
        if value > candidate { threshold = candidate }
    }
    return v.map { max(0, $0 - threshold) }
}

/// Temporary: dual Newton with secants.
public struct FallbackAscent: Sendable {
    public let domain: MultiplierDomain
    let m: Int
    var previous: (l: [Double], v: [Double])?
    var S: [Double], Y: [Double]
    var lastStep: [Double]?
    var flips = 0.0

    public init(domain: MultiplierDomain, count: Int) {
        self.domain = domain; m = count
        S = Array(repeating: 0, count: count * count); Y = S
    }

    public var state: [String: [Double]] {
        ["l": previous?.l ?? [], "v": previous?.v ?? [], "S": S, "Y": Y, "z": lastStep ?? [], "flips": [flips]]
    }
    public mutating func restore(_ s: [String: [Double]]) {
        if let l = s["l"], let v = s["v"], !l.isEmpty { previous = (l, v) }
        S = s["S"] ?? S; Y = s["Y"] ?? Y; flips = s["flips"]?.first ?? 0
        if let z = s["z"], !z.isEmpty { lastStep = z }
    }

    public mutating func updated(_ l: [Double], _ violations: [Double], hint: [Double]?) -> [Double] {
        let mean = violations.reduce(0, +) / Double(m)
        let g = domain == .simplex ? violations.map { $0 - mean } : violations
        if let p = previous {
            let d = zip(l, p.l).map { $0 - $1 }, y = zip(g, p.v).map { $0 - $1 }
            let n2 = d.reduce(0) { $0 + $1 * $1 }
            let tr = (0..<m).reduce(0.0) { $0 + S[$1 * m + $1] }
            if n2 > 1e-14 * (tr + 1e-300) {
                let keep = 1 - 0.5 * n2 / (n2 + tr)
                for i in 0..<m { for j in 0..<m { S[i*m+j] = keep * S[i*m+j] + d[i] * d[j]; Y[i*m+j] = keep * Y[i*m+j] + y[i] * d[j] } }
            }
        }
        previous = (l, g)
        let gmax = g.map(abs).max() ?? 0
        guard gmax > 0 else { return l }
        let tr = (0..<m).reduce(0.0) { $0 + S[$1 * m + $1] }
        var H = [Double](repeating: 0, count: m * m)
        if tr > 0 {
            let trY = (0..<m).reduce(0.0) { $0 + Y[$1 * m + $1] }
            let L = max(-trY / tr, 1e-12 * gmax)
            // ridge towards hint or L I
            let ridge = 0.05 * tr
            var A = S, B = Y.map { -$0 }
            for i in 0..<m { A[i*m+i] += ridge }
            for i in 0..<m { for j in 0..<m { B[i*m+j] += ridge * (hint.map { $0[i*m+j] } ?? (i == j ? L : 0)) } }
            H = solveRight(B, A)
            for i in 0..<m { for j in 0..<i { let s = 0.5 * (H[i*m+j] + H[j*m+i]); H[i*m+j] = s; H[j*m+i] = s } }
            for i in 0..<m { H[i*m+i] += 0.02 * L }
        } else if let hint {
            H = hint
            let t = (0..<m).map { hint[$0*m+$0] }.max() ?? 1
            for i in 0..<m { H[i*m+i] += 1e-3 * t }
        } else {
            for i in 0..<m { H[i*m+i] = gmax / (domain == .simplex ? 0.3 / Double(m) : max(l.max() ?? 1, 1 / Double(m))) }
        }
        let z = quadraticAscent(l, g, H)
        var step = zip(z, l).map { $0 - $1 }
        // trust region
        let limit: Double = domain == .simplex ? 0.3 : 2 * max(l.max() ?? 0, 1 / Double(m))
        let big = step.map(abs).max() ?? 0
        if big > limit { step = step.map { $0 * limit / big } }
        if let last = lastStep, zip(step, last).reduce(0, { $0 + $1.0 * $1.1 }) < 0 { flips += 1 } else { flips = max(0, flips - 0.3) }
        lastStep = step
        let theta = 0.8 / (1 + 0.5 * max(0, flips - 2))
        let next = zip(l, step).map { max(0, $0 + theta * $1) }
        if domain == .simplex { let s = next.reduce(0, +); return next.map { $0 / s } }
        return next
    }

    private func quadraticAscent(_ l: [Double], _ g: [Double], _ H: [Double]) -> [Double] {
        // FISTA on the projected quadratic model
        let L = max((0..<m).map { i in (0..<m).reduce(0.0) { $0 + abs(H[i*m+$1]) } }.max() ?? 1, 1e-300)
        var x = l, w = l, t = 1.0
        for _ in 0..<2000 {
            var grad = [Double](repeating: 0, count: m)
            for i in 0..<m { var s = g[i]; for j in 0..<m { s -= H[i*m+j] * (w[j] - l[j]) }; grad[i] = s }
            let moved = zip(w, grad).map { $0 + $1 / L }
            let n = domain == .simplex ? projectedOntoSimplex(moved) : moved.map { max(0, $0) }
            let t2 = 0.5 * (1 + (1 + 4 * t * t).squareRoot())
            w = zip(n, x).map { $0 + (t - 1) / t2 * ($0 - $1) }
            let change = zip(n, x).map { abs($0 - $1) }.max() ?? 0
            x = n; t = t2
            if change < 1e-14 * (1 + (x.max() ?? 0)) { break }
        }
        return x
    }

    private func solveRight(_ B: [Double], _ A: [Double]) -> [Double] {
        // X A = B, A symmetric positive definite: rows by Gaussian elimination on A
        var a = A, x = B.enumerated().map { B[($0.offset % m) * m + $0.offset / m] } // Bᵀ, columns are right sides: a xᵀ = Bᵀ
        for k in 0..<m {
            let p = a[k*m+k]
            for i in (k + 1)..<max(m, k + 1) {
                let f = a[i*m+k] / p
                for j in k..<m { a[i*m+j] -= f * a[k*m+j] }
                for j in 0..<m { x[i*m+j] -= f * x[k*m+j] }
            }
        }
        for k in stride(from: m - 1, through: 0, by: -1) {
            for j in 0..<m {
                var s = x[k*m+j]
                for i in (k + 1)..<max(m, k + 1) { s -= a[k*m+i] * x[i*m+j] }
                x[k*m+j] = s / a[k*m+k]
            }
        }
        return (0..<m*m).map { x[($0 % m) * m + $0 / m] }
    }
}
