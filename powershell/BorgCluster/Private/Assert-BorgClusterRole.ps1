function Assert-BorgClusterRole {
    <#
    .SYNOPSIS
    Finds the role of a virtual machine, or fails: for what makes no sense without one.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    $role = Find-BorgClusterRole -VMId $VMId
    if ($null -eq $role) {
        $record = @{
            ErrorId = 'BorgClusterRoleMissing'
            Category = 'ObjectNotFound'
            Message = "No resource of the cluster names the virtual machine $VMId."
            TargetObject = $VMId
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    return $role
}
