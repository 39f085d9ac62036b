//! What is done to names: as in [`std::fs`], on a thread, with the path in each error.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::path::Path;

use super::job::{reading, writing};
use super::path_error::{named, named_to};

/// What the system knows of a file or folder; of a symbolic link, what it knows of what that leads to.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// fs::in_temporary_folder(async |folder| {
///     fs::write(folder.join("file"), "12345").await?;
///     assert_eq!(fs::metadata(folder.join("file")).await?.len(), 5);
///     assert!(fs::symlink_metadata(folder).await?.is_dir());
///     Ok::<(), std::io::Error>(())
/// })
/// .await?
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with the path.
///
/// # Cancellation
/// [**Restartable.**](giambio_core#cancellation)
#[track_caller]
pub fn metadata<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Metadata>> + use<P> {
    let path = path.as_ref().to_owned();
    reading(move || fs::metadata(&path).map_err(named("look at", &path)))
}

/// What the system knows of a file, a folder, or a symbolic link itself.
///
/// # Errors
/// The system's, with the path.
///
/// # Cancellation
/// [**Restartable.**](giambio_core#cancellation)
#[track_caller]
pub fn symlink_metadata<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Metadata>> + use<P> {
    let path = path.as_ref().to_owned();
    reading(move || fs::symlink_metadata(&path).map_err(named("look at", &path)))
}

/// Is there something? Where a symbolic link leads nowhere, there is nothing.
///
/// It may be gone, or have come, by the time that anything is done about it: to make a file that nobody has made there is
/// [`OpenOptions::create_new`](super::OpenOptions::create_new), for a folder [`create_dir`].
///
/// # Errors
/// The system's, with the path: nobody knows.
///
/// # Cancellation
/// [**Restartable.**](giambio_core#cancellation)
#[track_caller]
pub fn try_exists<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<bool>> + use<P> {
    let path = path.as_ref().to_owned();
    reading(move || fs::exists(&path).map_err(named("look at", &path)))
}

/// Says who may do what with a file or a folder; of a symbolic link, with what that leads to.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// fs::in_temporary_folder(async |folder| {
///     let path = folder.join("file");
///     fs::write(&path, "").await?;
///     let mut permissions = fs::metadata(&path).await?.permissions();
///     permissions.set_readonly(true);
///     fs::set_permissions(&path, permissions.clone()).await?;
///     assert!(fs::metadata(&path).await?.permissions().readonly());
///     # #[allow(clippy::permissions_set_readonly_false)]
///     # permissions.set_readonly(false);
///     # fs::set_permissions(&path, permissions).await?; // or Windows would not remove it
///     Ok::<(), std::io::Error>(())
/// })
/// .await?
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with the path.
///
/// # Cancellation
/// [**Restartable.**](giambio_core#cancellation) What has begun is waited for.
#[track_caller]
pub fn set_permissions<P: AsRef<Path>>(
    path: P,
    permissions: Permissions,
) -> impl Future<Output = io::Result<()>> + use<P> {
    let path = path.as_ref().to_owned();
    writing(move || fs::set_permissions(&path, permissions).map_err(named("set the permissions of", &path)))
}

/// Makes a folder, and refuses if something is there.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// fs::in_temporary_folder(async |folder| {
///     let mine = folder.join("mine");
///     assert!(!fs::try_exists(&mine).await?);
///     fs::create_dir(&mine).await?;
///     assert!(fs::try_exists(&mine).await?);
///     assert_eq!(fs::create_dir(&mine).await.unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
///     Ok::<(), std::io::Error>(())
/// })
/// .await?
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with the path.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when it has begun: it is waited for, and then the folder is there.
#[track_caller]
pub fn create_dir<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> + use<P> {
    let path = path.as_ref().to_owned();
    writing(move || fs::create_dir(&path).map_err(named("make the folder", &path)))
}

/// Makes a folder, and those that it is in, as far as they are not there.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// fs::in_temporary_folder(async |folder| {
///     fs::create_dir_all(folder.join("a/b/c")).await?;
///     fs::remove_dir(folder.join("a/b/c")).await?; // it is empty
///     fs::write(folder.join("a/b/file"), "").await?;
///     assert!(fs::remove_dir(folder.join("a/b")).await.is_err());
///     fs::remove_dir_all(folder.join("a")).await?;
///     Ok::<(), std::io::Error>(())
/// })
/// .await?
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with the path.
///
/// # Cancellation
/// [**Restartable.**](giambio_core#cancellation) What has begun is waited for.
#[track_caller]
pub fn create_dir_all<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> + use<P> {
    let path = path.as_ref().to_owned();
    writing(move || fs::create_dir_all(&path).map_err(named("make the folder", &path)))
}

/// Removes a file, or a symbolic link, but not what that leads to.
///
/// # Errors
/// The system's, with the path.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when it has begun: it is waited for, and then the file is gone.
#[track_caller]
pub fn remove_file<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> + use<P> {
    let path = path.as_ref().to_owned();
    writing(move || fs::remove_file(&path).map_err(named("remove", &path)))
}

/// Removes a folder that is empty.
///
/// # Errors
/// The system's, with the path.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when it has begun: it is waited for, and then the folder is gone.
#[track_caller]
pub fn remove_dir<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> + use<P> {
    let path = path.as_ref().to_owned();
    writing(move || fs::remove_dir(&path).map_err(named("remove the folder", &path)))
}

/// Removes a folder with all that is in it. Symbolic links are removed, and not followed.
///
/// # Errors
/// The system's, with the path.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when it has begun: it is waited for, however much there is in it.
#[track_caller]
pub fn remove_dir_all<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> + use<P> {
    let path = path.as_ref().to_owned();
    writing(move || fs::remove_dir_all(&path).map_err(named("remove the folder", &path)))
}

/// Gives a file or folder another name. A file that has it already is replaced.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// fs::in_temporary_folder(async |folder| {
///     fs::write(folder.join("old"), "text").await?;
///     fs::rename(folder.join("old"), folder.join("new")).await?;
///     assert_eq!(fs::read_to_string(folder.join("new")).await?, "text");
///     Ok::<(), std::io::Error>(())
/// })
/// .await?
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with both paths: [`CrossesDevices`](io::ErrorKind::CrossesDevices) if they
/// are on two disks.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when it has begun: it is waited for, and then the file has its new name.
#[track_caller]
pub fn rename<P, Q>(from: P, to: Q) -> impl Future<Output = io::Result<()>> + use<P, Q>
where
    P: AsRef<Path>,
    Q: AsRef<Path>,
{
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    writing(move || fs::rename(&from, &to).map_err(named_to("rename", &from, &to)))
}
