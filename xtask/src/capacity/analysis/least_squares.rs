//! Linear equations of a few unknowns, as least squares leads to them.

/// The solution of the symmetric positive definite system `matrix · x = right`;
/// none if the matrix is singular to working precision.
pub(crate) fn solve<const P: usize>(matrix: [[f64; P]; P], right: [f64; P]) -> Option<[f64; P]> {
    let scale = matrix_scale(&matrix)?;
    let mut scaled = matrix;
    for row in 0..P {
        for column in 0..P {
            scaled[row][column] *= scale[row] * scale[column];
        }
    }
    let factor = cholesky(scaled)?;
    let mut x = [0.0; P];
    for row in 0..P {
        let known: f64 = (0..row).map(|k| factor[row][k] * x[k]).sum();
        x[row] = (right[row] * scale[row] - known) / factor[row][row];
    }
    for row in (0..P).rev() {
        let known: f64 = (row + 1..P).map(|k| factor[k][row] * x[k]).sum();
        x[row] = (x[row] - known) / factor[row][row];
    }
    for row in 0..P {
        x[row] *= scale[row];
    }
    Some(x)
}

/// The diagonal of the matrix's inverse; none if it is singular to working
/// precision.
pub(crate) fn inverse_diagonal<const P: usize>(matrix: [[f64; P]; P]) -> Option<[f64; P]> {
    let mut diagonal = [0.0; P];
    for (column, entry) in diagonal.iter_mut().enumerate() {
        let mut unit = [0.0; P];
        unit[column] = 1.0;
        *entry = solve(matrix, unit)?[column];
    }
    Some(diagonal)
}

/// Adds `weight · row · rowᵀ` to a matrix, and `weight · value · row` to a
/// right side: one observation of a least-squares problem.
pub(crate) fn accumulate<const P: usize>(
    (matrix, right): (&mut [[f64; P]; P], &mut [f64; P]),
    row: [f64; P],
    value: f64,
    weight: f64,
) {
    for i in 0..P {
        for j in 0..P {
            matrix[i][j] += weight * row[i] * row[j];
        }
        right[i] += weight * row[i] * value;
    }
}

/// What makes the diagonal all ones: unknowns of very different sizes would
/// otherwise lose digits.
fn matrix_scale<const P: usize>(matrix: &[[f64; P]; P]) -> Option<[f64; P]> {
    let mut scale = [0.0; P];
    for (row, entry) in scale.iter_mut().enumerate() {
        let diagonal = matrix[row][row];
        if !(diagonal.is_finite() && 0.0 < diagonal) {
            return None;
        }
        *entry = 1.0 / libm::sqrt(diagonal);
    }
    Some(scale)
}

/// The lower triangle L of `matrix = L · Lᵀ`.
fn cholesky<const P: usize>(matrix: [[f64; P]; P]) -> Option<[[f64; P]; P]> {
    let mut factor = [[0.0; P]; P];
    for row in 0..P {
        for column in 0..=row {
            let known: f64 = (0..column).map(|k| factor[row][k] * factor[column][k]).sum();
            let rest = matrix[row][column] - known;
            if row != column {
                factor[row][column] = rest / factor[column][column];
            } else if 1e-15 < rest {
                factor[row][row] = libm::sqrt(rest);
            } else {
                return None;
            }
        }
    }
    Some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::tests::assert_near;

    #[test]
    fn solves_what_can_be_solved() {
        let x = solve([[4.0, 2.0], [2.0, 3.0]], [10.0, 9.0]).unwrap();
        assert_near(x[0], 1.5, 1e-12);
        assert_near(x[1], 2.0, 1e-12);
        assert_eq!(solve([[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0]), None);
        assert_eq!(solve([[0.0]], [1.0]), None);
    }

    #[test]
    fn unknowns_may_differ_in_size() {
        let x = solve([[1e20, 0.0], [0.0, 1e-20]], [1e20, 1e-20]).unwrap();
        assert_near(x[0], 1.0, 1e-12);
        assert_near(x[1], 1.0, 1e-12);
    }

    #[test]
    fn the_diagonal_of_an_inverse() {
        let diagonal = inverse_diagonal([[4.0, 2.0], [2.0, 3.0]]).unwrap();
        assert_near(diagonal[0], 3.0 / 8.0, 1e-12);
        assert_near(diagonal[1], 0.5, 1e-12);
    }
}
