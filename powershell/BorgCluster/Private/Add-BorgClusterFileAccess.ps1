function Add-BorgClusterFileAccess {
    <#
    .SYNOPSIS
    Lets an account use a file or a folder and all that is below it. A rule that is there already stays one rule.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [string]
        $Sid
    )

    $account = [System.Security.Principal.SecurityIdentifier]::new($Sid)
    $full = [System.Security.AccessControl.FileSystemRights]::FullControl
    $allow = [System.Security.AccessControl.AccessControlType]::Allow
    # The DACL alone is read and written: owner and audit rules would need further privileges
    $section = [System.Security.AccessControl.AccessControlSections]::Access
    if ([System.IO.Directory]::Exists($Path)) {
        $item = [System.IO.DirectoryInfo]::new($Path)
        $inherit = [System.Security.AccessControl.InheritanceFlags] 'ContainerInherit, ObjectInherit'
        $none = [System.Security.AccessControl.PropagationFlags]::None
        $rule = [System.Security.AccessControl.FileSystemAccessRule]::new($account, $full, $inherit, $none, $allow)
    } else {
        $item = [System.IO.FileInfo]::new($Path)
        $rule = [System.Security.AccessControl.FileSystemAccessRule]::new($account, $full, $allow)
    }
    $security = $item.GetAccessControl($section)
    $security.AddAccessRule($rule)
    $item.SetAccessControl($security)
}
