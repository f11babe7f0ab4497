namespace Agora.Benchmarks.Judged;

/// <summary>Linear equations with a symmetric positive definite matrix.</summary>
internal static class Cholesky
{
    /// <param name="matrix">[n, n]; overwritten by its factor.</param>
    /// <param name="right">[n].</param>
    /// <returns>[n].</returns>
    public static double[] Solve(double[,] matrix, double[] right)
    {
        var n = right.Length;
        for (var j = 0; j < n; j++)
        {
            for (var k = 0; k < j; k++)
                for (var i = j; i < n; i++)
                    matrix[i, j] -= matrix[i, k] * matrix[j, k];
            // Rounding may leave a tiny pivot below 0 where two players hardly differ.
            var pivot = Math.Sqrt(Math.Max(matrix[j, j], double.Epsilon));
            for (var i = j; i < n; i++)
                matrix[i, j] /= pivot;
        }
        var x = (double[])right.Clone();
        for (var i = 0; i < n; i++)
        {
            for (var k = 0; k < i; k++)
                x[i] -= matrix[i, k] * x[k];
            x[i] /= matrix[i, i];
        }
        for (var i = n - 1; i >= 0; i--)
        {
            for (var k = i + 1; k < n; k++)
                x[i] -= matrix[k, i] * x[k];
            x[i] /= matrix[i, i];
        }
        return x;
    }
}
