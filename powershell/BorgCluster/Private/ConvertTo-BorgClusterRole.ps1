function ConvertTo-BorgClusterRole {
    <#
    .SYNOPSIS
    Reports a cluster group (a Role).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Group
    )

    return [ordered]@{
        id = ConvertTo-BorgClusterId -Value $Group.Id
        name = [string] $Group.Name
        group_type = [string] $Group.GroupType
        state = [string] $Group.State
        status_information = @(ConvertTo-BorgClusterFlag -Value (Get-BorgClusterProperty -InputObject $Group -Name 'StatusInformation'))
        owner_node = ConvertTo-BorgClusterWord -Value $Group.OwnerNode
        priority = ConvertTo-BorgClusterScalar -Value (Get-BorgClusterProperty -InputObject $Group -Name 'Priority')
    }
}
