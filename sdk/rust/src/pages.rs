//! What the host lists page by page.

use std::vec;

/// All items of all pages. The first error is the last item.
pub(crate) fn pages<T, E>(
    of: String,
    mut next: impl FnMut(&str, Option<&str>) -> Result<(Vec<T>, Option<String>), E>,
) -> impl Iterator<Item = Result<T, E>> {
    let mut items: vec::IntoIter<T> = Vec::new().into_iter();
    let mut cursor: Option<String> = None;
    let mut more = true;
    std::iter::from_fn(move || {
        loop {
            if let Some(item) = items.next() {
                return Some(Ok(item));
            }
            if !more {
                return None;
            }
            match next(&of, cursor.as_deref()) {
                Ok((page, after)) => {
                    more = after.is_some();
                    cursor = after;
                    items = page.into_iter();
                }
                Err(error) => {
                    more = false;
                    return Some(Err(error));
                }
            }
        }
    })
}
