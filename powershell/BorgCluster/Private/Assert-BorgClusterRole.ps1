function Assert-BorgClusterRole {
    <#
    .SYNOPSIS
    Finds the role of a virtual machine, or fails: for what makes no sense without one.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        # A role of which only the configuration's resource is left does not do
        [switch]
        $WithVMResource
    )

    $role = Find-BorgClusterRole -VMId $VMId
    if ($null -eq $role -or ($WithVMResource -and $null -eq $role['VMResource'])) {
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
